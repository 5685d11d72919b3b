/**
 * Expands a WGSL template: `#if/#elif/#else/#endif`, `#for i in A..B/#endfor` (unrolled), `#let NAME = EXPR`,
 * `#include "file.wgsl"` and `${EXPR}`. Loops are unrolled here because WGSL can index registers only with constants.
 */
import { evaluate, type Scope, type Value } from './expression.ts';
import type { Shader } from './shader.ts';

export type Defines = Readonly<Record<string, Value>>;

const DIRECTIVE = /^\s*#(if|elif|else|endif|for|endfor|let|include)\b\s*(.*)$/;
const MAX_INCLUDE_DEPTH = 8;

class Expander {
  constructor(
    private readonly shader: Shader,
    private readonly out: string[],
    /** For each line of `out` the file and line that it comes from. */
    private readonly places: string[] | undefined,
    private readonly depth: number,
  ) {}

  run(scope: Map<string, Value>): void {
    const lines = this.shader.text.split('\n');
    this.block(lines, 0, lines.length, scope);
  }

  private placeOf(line: number): string {
    return `${this.shader.file}:${line + 1}`;
  }

  private fail(line: number, message: string): never {
    throw new Error(`${this.placeOf(line)}: ${message}`);
  }

  private value(text: string, line: number, scope: Scope): Value {
    try {
      return evaluate(text, scope);
    } catch (error) {
      return this.fail(line, error instanceof Error ? error.message : String(error));
    }
  }

  /** Expands lines[from, to); every directive that opens is closed within it. */
  private block(lines: readonly string[], from: number, to: number, scope: Map<string, Value>): void {
    for (let at = from; at < to; at += 1) {
      const line = lines[at] ?? '';
      const directive = DIRECTIVE.exec(line);
      if (!directive) {
        this.out.push(this.substitute(line, at, scope));
        this.places?.push(this.placeOf(at));
        continue;
      }
      const [, keyword = '', argument = ''] = directive;
      if (keyword === 'if') at = this.conditional(lines, at, to, scope);
      else if (keyword === 'for') at = this.loop(lines, at, to, argument, scope);
      else if (keyword === 'let') this.define(argument, at, scope);
      else if (keyword === 'include') this.include(argument, at, scope);
      else this.fail(at, `#${keyword} without its opening directive`);
    }
  }

  private substitute(line: string, at: number, scope: Scope): string {
    return line.replace(/\$\{([^}]*)\}/g, (_, text: string) => String(this.value(text, at, scope)));
  }

  private define(argument: string, at: number, scope: Map<string, Value>): void {
    const match = /^(\w+)\s*=\s*(.+)$/.exec(argument);
    if (!match) this.fail(at, '#let needs NAME = EXPRESSION');
    scope.set(match[1] ?? '', this.value(match[2] ?? '', at, scope));
  }

  private include(argument: string, at: number, scope: Map<string, Value>): void {
    const name = /^"([^"]+)"\s*$/.exec(argument)?.[1];
    if (name === undefined) this.fail(at, '#include needs a quoted file name');
    if (this.depth >= MAX_INCLUDE_DEPTH) this.fail(at, `#include "${name}" nests deeper than ${MAX_INCLUDE_DEPTH}`);
    const included = this.shader.includes.find(({ file }) => file === name) ?? this.fail(at, `#include "${name}": no such file`);
    new Expander(included, this.out, this.places, this.depth + 1).run(scope);
  }

  private conditional(lines: readonly string[], at: number, to: number, scope: Map<string, Value>): number {
    let taken = false;
    let branch = at;
    for (;;) {
      const [, keyword = '', argument = ''] = DIRECTIVE.exec(lines[branch] ?? '') ?? [];
      const end = this.close(lines, branch, to, ['elif', 'else', 'endif'], 'endif');
      const value = taken ? 0 : keyword === 'else' ? 1 : this.value(argument, branch, scope);
      if (value !== 0 && value !== '') {
        taken = true;
        this.block(lines, branch + 1, end, scope);
      }
      if (/^\s*#endif\b/.test(lines[end] ?? '')) return end;
      branch = end;
    }
  }

  private loop(lines: readonly string[], at: number, to: number, argument: string, scope: Map<string, Value>): number {
    const match = /^(\w+)\s+in\s+(.+?)(?:\.\.(.+))?$/.exec(argument.trim());
    if (!match) this.fail(at, '#for needs NAME in A..B or NAME in N');
    const [, name = '', first = '', second] = match;
    const low = second === undefined ? 0 : this.value(first, at, scope);
    const high = this.value(second ?? first, at, scope);
    if (typeof low !== 'number' || typeof high !== 'number') this.fail(at, '#for needs numbers');
    const end = this.close(lines, at, to, ['endfor'], 'endfor');
    const outer = scope.get(name);
    for (let index = low; index < high; index += 1) {
      scope.set(name, index);
      this.block(lines, at + 1, end, scope);
    }
    if (outer === undefined) scope.delete(name);
    else scope.set(name, outer);
    return end;
  }

  /** Line of the first of `closers` that belongs to the directive at `at`. */
  private close(lines: readonly string[], at: number, to: number, closers: readonly string[], last: string): number {
    let depth = 0;
    for (let line = at + 1; line < to; line += 1) {
      const keyword = DIRECTIVE.exec(lines[line] ?? '')?.[1];
      if (keyword === undefined) continue;
      if (depth === 0 && closers.includes(keyword)) return line;
      if (keyword === 'if' || keyword === 'for') depth += 1;
      else if (keyword === 'endif' || keyword === 'endfor') depth -= 1;
    }
    return this.fail(at, `no #${last} closes this directive`);
  }
}

/**
 * Expands a shader with `defines`. Errors name file and line.
 * @param places filled with the file and line, `gemm/block.wgsl:12`, that each line of the result comes from
 */
export function preprocess(shader: Shader, defines: Defines, places?: string[]): string {
  const out: string[] = [];
  new Expander(shader, out, places, 0).run(new Map(Object.entries(defines)));
  return out.join('\n');
}
