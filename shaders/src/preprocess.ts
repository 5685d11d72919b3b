/**
 * Expands a WGSL template: `#if/#elif/#else/#endif`, `#for i in A..B/#endfor` (unrolled), `#let NAME = EXPR`,
 * `#include "file.wgsl"` and `${EXPR}`. Loops are unrolled here because WGSL can index registers only with constants.
 */
import { evaluate, type Scope, type Value } from './expression.ts';

export type Defines = Readonly<Record<string, Value>>;
/** Text of an included file, or undefined when there is none of that name. */
export type Resolve = (name: string) => string | undefined;

const DIRECTIVE = /^\s*#(if|elif|else|endif|for|endfor|let|include)\b\s*(.*)$/;
const MAX_INCLUDE_DEPTH = 8;

class Expander {
  private readonly out: string[] = [];

  constructor(
    private readonly file: string,
    private readonly resolve: Resolve,
    private readonly depth: number,
  ) {}

  run(text: string, scope: Map<string, Value>): string[] {
    const lines = text.split('\n');
    this.block(lines, 0, lines.length, scope);
    return this.out;
  }

  private fail(line: number, message: string): never {
    throw new Error(`${this.file}:${line + 1}: ${message}`);
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
    const text = this.resolve(name) ?? this.fail(at, `#include "${name}": no such file`);
    for (const line of new Expander(name, this.resolve, this.depth + 1).run(text, scope)) this.out.push(line);
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
 * Expands `text` with `defines`. Errors name `file` and line.
 * @param resolve texts of `#include`d files.
 */
export function preprocess(file: string, text: string, defines: Defines, resolve: Resolve = () => undefined): string {
  return new Expander(file, resolve, 0).run(text, new Map(Object.entries(defines))).join('\n');
}
