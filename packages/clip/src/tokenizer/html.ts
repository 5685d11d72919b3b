/** HTML character references, replaced exactly as Python's `html.unescape` does, which CLIP's tokenizer calls. */
import { decodeHTML } from 'entities/decode';

/** References to these numbers mean the character that Windows-1252 has there (the HTML standard's table), or nothing sensible. */
const REPLACED = new Map<number, string>([
  [0x00, '\ufffd'],
  [0x0d, '\r'],
  ...Array.from('€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ', (character, index): [number, string] => [
    0x80 + index,
    character,
  ]),
]);

/** Replaces named, decimal and hexadecimal references, once. Names need no semicolon where HTML allows it: "&ampx" is "&x". */
export function unescapeHtml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#([0-9]+);?|#[xX]([0-9a-fA-F]+);?|[^\t\n\f <&#;]{1,32};?)/gu, (reference, decimal, hexadecimal) => {
    if (decimal !== undefined) return characterOf(Number(decimal));
    return hexadecimal === undefined ? decodeHTML(reference) : characterOf(Number.parseInt(hexadecimal, 16));
  });
}

function characterOf(code: number): string {
  const replaced = REPLACED.get(code);
  if (replaced !== undefined) return replaced;
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd';
  return isDropped(code) ? '' : String.fromCodePoint(code);
}

/** Control characters and noncharacters vanish. */
function isDropped(code: number): boolean {
  const isControl = (code < 0x20 && ![0x09, 0x0a, 0x0c].includes(code)) || (code >= 0x7f && code <= 0x9f);
  return isControl || (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe;
}
