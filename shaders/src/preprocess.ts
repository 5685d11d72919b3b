/**
 * Expands a WGSL template: `#if/#elif/#else/#endif`, `#for i in A..B/#endfor` (unrolled), `#let NAME = EXPR`,
 * `#include "file.wgsl"` and `${EXPR}`. Loops are unrolled here because WGSL can index registers only with constants.
 */
import { evaluate, isTrue, type Value } from './expression.ts';
import type { Shader } from './shader.ts';

export type Defines = Readonly<Record<string, Value>>;

const DIRECTIVE = /^\s*#(if|elif|else|endif|for|endfor|let|include)\b\s*(.*)$/;
const MAX_INCLUDE_DEPTH = 8;

class Expander {
  private readonly lines: readonly string[];

  /** @param places of each line of `out`: the file and line that it comes from */
  constructor(
    private readonly shader: Shader,
    private readonly scope: Map<string, Value>,
    private readonly out: string[],
    private readonly places: string[] | undefined,
    private readonly depth = 0,
  ) {
    this.lines = shader.text.split('\n');
  }

  run(): void {
    this.block(0, this.lines.length);
  }

  private placeOf(line: number): string {
    return `${this.shader.file}:${line + 1}`;
  }

  private fail(line: number, message: string): never {
    throw new Error(`${this.placeOf(line)}: ${message}`);
  }

  private value(text: string, line: number): Value {
    try {
      return evaluate(text, this.scope);
    } catch (error) {
      return this.fail(line, error instanceof Error ? error.message : String(error));
    }
  }

  /** Expands lines[from, to); every directive that opens is closed within it. */
  private block(from: number, to: number): void {
    for (let at = from; at < to; at += 1) {
      const line = this.lines[at] ?? '';
      const [, keyword, argument = ''] = DIRECTIVE.exec(line) ?? [];
      if (keyword === undefined) {
        this.out.push(line.replace(/\$\{([^}]*)\}/g, (_, text: string) => String(this.value(text, at))));
        this.places?.push(this.placeOf(at));
      } else if (keyword === 'if') at = this.conditional(at, to);
      else if (keyword === 'for') at = this.loop(at, to, argument);
      else if (keyword === 'let') this.define(argument, at);
      else if (keyword === 'include') this.include(argument, at);
      else this.fail(at, `#${keyword} without its opening directive`);
    }
  }

  private define(argument: string, at: number): void {
    const [, name, text = ''] = /^(\w+)\s*=\s*(.+)$/.exec(argument) ?? [];
    if (name === undefined) this.fail(at, '#let needs NAME = EXPRESSION');
    this.scope.set(name, this.value(text, at));
  }

  private include(argument: string, at: number): void {
    const name = /^"([^"]+)"\s*$/.exec(argument)?.[1];
    if (name === undefined) this.fail(at, '#include needs a quoted file name');
    if (this.depth >= MAX_INCLUDE_DEPTH) this.fail(at, `#include "${name}" nests deeper than ${MAX_INCLUDE_DEPTH}`);
    const included = this.shader.includes.find(({ file }) => file === name) ?? this.fail(at, `#include "${name}": no such file`);
    new Expander(included, this.scope, this.out, this.places, this.depth + 1).run();
  }

  /** @returns the line that closes it, as {@link loop} does */
  private conditional(at: number, to: number): number {
    let isTaken = false;
    let branch = at;
    for (;;) {
      const [, keyword = '', argument = ''] = DIRECTIVE.exec(this.lines[branch] ?? '') ?? [];
      if (keyword === 'endif') return branch;
      const end = this.close(branch, to, ['elif', 'else', 'endif'], 'endif');
      if (!isTaken && (keyword === 'else' || isTrue(this.value(argument, branch)))) {
        isTaken = true;
        this.block(branch + 1, end);
      }
      branch = end;
    }
  }

  private loop(at: number, to: number, argument: string): number {
    const [, name, first = '', second] = /^(\w+)\s+in\s+(.+?)(?:\.\.(.+))?$/.exec(argument.trim()) ?? [];
    if (name === undefined) this.fail(at, '#for needs NAME in A..B or NAME in N');
    const low = second === undefined ? 0 : this.value(first, at);
    const high = this.value(second ?? first, at);
    if (typeof low !== 'number' || typeof high !== 'number') this.fail(at, '#for needs numbers');
    const end = this.close(at, to, ['endfor'], 'endfor');
    const outer = this.scope.get(name);
    for (let index = low; index < high; index += 1) {
      this.scope.set(name, index);
      this.block(at + 1, end);
    }
    if (outer === undefined) this.scope.delete(name);
    else this.scope.set(name, outer);
    return end;
  }

  /** Line of the first of `closers` that belongs to the directive at `at`. */
  private close(at: number, to: number, closers: readonly string[], last: string): number {
    let depth = 0;
    for (let line = at + 1; line < to; line += 1) {
      const keyword = DIRECTIVE.exec(this.lines[line] ?? '')?.[1] ?? '';
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
  new Expander(shader, new Map(Object.entries(defines)), out, places).run();
  return out.join('\n');
}
