/**
 * Steps of a how-to page. Marks in comments, which a reader of the rendered page does not see, say where each code block goes:
 *
 *     <!-- change: a pointwise op -->                  the steps from here on make this change
 *     <!-- file: path/new.ts -->                       the block is this file
 *     <!-- file: path/old.ts, after: "a line" -->      the block goes after the only line with this text; so do before and replace
 *     <!-- file: path/old.ts, end -->                  the block goes to the end of the file
 *     <!-- run -->                                     the block is typed into a shell
 */

/** A block of code that goes into a file. */
export type Edit = {
  readonly kind: 'edit';
  /** The change it is a step of. */
  readonly change: string;
  readonly path: string;
  readonly how: 'create' | 'after' | 'before' | 'replace' | 'end';
  /** Text of the line that it goes next to. */
  readonly anchor: string;
  readonly text: string;
  /** Line of the mark in the page, from 1. */
  readonly line: number;
};

/** A block of commands. */
export type Run = {
  readonly kind: 'run';
  readonly change: string;
  readonly commands: readonly string[];
  readonly line: number;
};

export type Step = Edit | Run;

const MARK = /^\s*<!-- (change|file|run)(?:: (.+?))? -->$/;
const FENCE = /^```\w*$/;

/** The steps of a page, in its order. @throws Error naming the line of a mark that cannot be followed */
export function stepsOf(markdown: string): Step[] {
  const lines = markdown.split('\n');
  const steps: Step[] = [];
  let change: string | undefined;
  for (const [at, text] of lines.entries()) {
    const [, kind, words = ''] = MARK.exec(text) ?? [];
    const line = at + 1;
    if (kind === undefined) {
      if (/<!-- *(?:change|file|run)\b/.test(text)) throw new Error(`line ${line} has a mark that is none: ${text.trim()}`);
      continue;
    }
    if (kind === 'change') {
      change = words;
      continue;
    }
    if (change === undefined) throw new Error(`line ${line} is a step of no change: put <!-- change: WHAT --> before it`);
    const block = blockAfter(lines, at);
    if (block === undefined) throw new Error(`line ${line} has no block of code after it`);
    if (kind === 'run') steps.push({ kind: 'run', change, commands: block.filter((command) => command.trim() !== ''), line });
    else steps.push({ kind: 'edit', change, ...placeOf(words, line), text: block.map((one) => `${one}\n`).join(''), line });
  }
  return steps;
}

function placeOf(words: string, line: number): Pick<Edit, 'path' | 'how' | 'anchor'> {
  const [, path, how = 'create', anchor = ''] = /^([^\s,]+)(?:, (?:(after|before|replace): "(.+)"|end))?$/.exec(words) ?? [];
  if (path === undefined) throw new Error(`line ${line} says no place: ${words}`);
  return { path, how: words.endsWith(', end') ? 'end' : (how as Edit['how']), anchor };
}

/** The lines of the fenced block that begins right after line `at`. */
function blockAfter(lines: readonly string[], at: number): string[] | undefined {
  if (!FENCE.test(lines[at + 1] ?? '')) return undefined;
  const end = lines.indexOf('```', at + 2);
  return end < 0 ? undefined : lines.slice(at + 2, end);
}
