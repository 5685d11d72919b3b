/** Markup as text: values are escaped unless they are markup already. */
import { printable } from '@mudpt/clip';

/** Text that is HTML or SVG. */
export class Markup {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

type Piece = Markup | string | number | undefined | false | readonly Piece[];

/** A template whose values are escaped; arrays are joined, undefined and false are left out. */
export function html(parts: TemplateStringsArray, ...values: readonly Piece[]): Markup {
  return new Markup(parts.map((part, index) => part + written(values[index])).join(''));
}

/** Markup that another library made. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

function written(piece: Piece): string {
  if (piece === undefined || piece === false) return '';
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === 'object') return piece.map(written).join('');
  return escaped(String(piece));
}

/** Characters that XML forbids are shown as escapes, because they would break the charts. */
function escaped(text: string): string {
  return printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
