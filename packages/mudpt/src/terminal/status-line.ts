/** Terminal output: permanent lines, and a status line that shows progress. */
import { printable } from '@mudpt/clip';
import type { TensorError } from '@mudpt/tensor';

/** The message of an error that the user can fix. */
export function errorText({ op, problem, fix }: TensorError): string {
  return `error: ${printable(op)}: ${printable(problem)}\n       ${printable(fix)}\n`;
}

/**
 * Placeholder for the code of a style until the line is written: names from outside are escaped in a whole line at once, and can have no such
 * mark in them, because it is random.
 */
const MARK = `style-${globalThis.crypto.randomUUID()}-`;
const MARKS = new RegExp(`${MARK}(\\d+);`, 'g');

/** A line as it is written: everything but styles is escaped. */
function written(text: string): string {
  return printable(text).replace(MARKS, '\u001b[$1m');
}

/** ANSI codes that begin and end a way to write. */
const STYLES = { strong: [1, 22], soft: [2, 22], good: [32, 39], bad: [31, 39], caution: [33, 39] } as const;
export type Style = keyof typeof STYLES;

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/**
 * One line that is written over and over on a terminal. Where output goes to a file or pipe, a line is written at most every ten seconds,
 * so that logs stay short.
 */
export class StatusLine {
  private shown = false;
  private writtenAt = -Infinity;

  constructor(private readonly output: Output) {}

  show(text: string): void {
    if (this.output.isTTY) {
      const columns = (this.output.columns ?? 80) - 1;
      this.output.write(`\r\u001b[2K${written(text).slice(0, columns)}`);
      this.shown = true;
    } else if (performance.now() - this.writtenAt > 10_000) {
      // A log has no use for bars.
      this.output.write(`${written(text.replace(/ ?[━─]+/g, ''))}\n`);
      this.writtenAt = performance.now();
    }
  }

  /** The text in a style, on a terminal that shows them (https://no-color.org). */
  paint(style: Style, text: string): string {
    if (!this.output.isTTY || process.env['NO_COLOR'] || process.env['TERM'] === 'dumb') return text;
    const [begin, end] = STYLES[style];
    return `${MARK}${begin};${text}${MARK}${end};`;
  }

  /** Writes a line that stays; the status is cleared first. */
  print(line = ''): void {
    this.clear();
    this.output.write(`${written(line)}\n`);
  }

  clear(): void {
    if (this.shown) this.output.write('\r\u001b[2K');
    this.shown = false;
  }
}
