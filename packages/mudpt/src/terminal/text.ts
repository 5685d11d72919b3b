/** Text formatting for a terminal: numbers, bars and tables. */
import { nth } from '@mudpt/tensor/internal';
import { printable } from '@mudpt/clip';

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
        const gap = ' '.repeat(nth(widths, column) - width(cell));
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
