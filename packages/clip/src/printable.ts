/** Names of files and classes as text that a terminal, a page or a spreadsheet shows without obeying it. */

/**
 * Control characters, marks that change the direction of text, line separators, halves of surrogate pairs and non-characters: they can move a
 * cursor, start a line, hide an extension, or are forbidden in XML.
 */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff]|\p{Cs}/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The text with such characters escaped as JavaScript writes them (`\n`, `\u001b`); what is escaped already stays as it is. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT[character] ?? unicodeEscape(character));
}

/** JSON with the same characters escaped inside its strings, so that it means the same; `indent` as in JSON.stringify. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(UNPRINTABLE, (character) =>
    character === '\n' ? character : unicodeEscape(character),
  );
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * A line of a table, without its end. Cells are quoted where they must be (RFC 4180); one that a spreadsheet would take for a formula
 * gets an apostrophe before it, numbers excepted.
 */
export function csvLine(cells: readonly (string | number)[]): string {
  return cells
    .map((cell) => (typeof cell === 'string' && /^[=+\-@\t\r]/.test(cell) && !isNumber(cell) ? `'${cell}` : String(cell)))
    .map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text))
    .join(',');
}

function isNumber(text: string): boolean {
  return text.trim() === text && Number.isFinite(Number(text));
}
