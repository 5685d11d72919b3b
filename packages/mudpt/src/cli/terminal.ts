/** Text for a terminal: numbers as people read them, tables, and one line that shows how far things are. */
import { printable } from '@mudpt/clip';
import type { TensorError } from '@mudpt/tensor';

/** What is told of an error the user can mend. */
export function errorText({ op, problem, fix }: TensorError): string {
  return `error: ${printable(op)}: ${printable(problem)}\n       ${printable(fix)}\n`;
}

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(count) / 10));
  const value = count / 1024 ** power;
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)} ${units[power]}`;
}

export function percent(value: number): string {
  return `${value.toFixed(1)} %`;
}

/** Rows in columns, the columns of `right` flushed to the right; cells wider than `most` are cut (default: 60 on a terminal, else none). */
export function table(
  rows: readonly (readonly string[])[],
  { right = [], most = process.stdout.isTTY ? 60 : Number.POSITIVE_INFINITY }: { right?: readonly number[]; most?: number } = {},
): string[] {
  const shown = rows.map((row) => row.map(printable));
  const cut = shown.map((row) => row.map((cell) => (width(cell) > most ? `${cell.slice(0, most - 1)}…` : cell)));
  const columns = Math.max(0, ...cut.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) => Math.max(0, ...cut.map((row) => width(row[column] ?? ''))));
  return cut.map((row) =>
    row
      .map((cell, column) => {
        const gap = ' '.repeat((widths[column] ?? 0) - width(cell));
        return right.includes(column) ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Columns a text takes: East Asian wide characters and emoji take two. */
function width(text: string): number {
  let columns = 0;
  for (const character of text.replaceAll(/\p{M}/gu, ''))
    columns +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u.test(
        character,
      )
        ? 2
        : 1;
  return columns;
}

/** A bar of `size` characters, `part` (0..1) of them full. */
export function bar(part: number, size = 20): string {
  const full = Math.round(Math.min(1, Math.max(0, part)) * size);
  return `${'━'.repeat(full)}${'─'.repeat(size - full)}`;
}

/**
 * Stands for the code of a style until the line is written: names from outside are escaped in a whole line at once, and can have no such
 * mark in them, because nobody knows it before.
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
