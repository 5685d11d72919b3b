/**
 * GPT-2's way to write bytes as characters: every byte gets a character that can be seen, so that a vocabulary is plain text without
 * spaces or control characters. Printable Latin-1 stands for itself, the rest is moved to U+0100 and above.
 */

const isPrintable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);

const ALL = Array.from({ length: 256 }, (_, byte) => byte);
const MOVED = ALL.filter((byte) => !isPrintable(byte));

/** The character of each byte. */
const CHARACTERS: readonly string[] = ALL.map((byte) =>
  String.fromCharCode(isPrintable(byte) ? byte : 256 + MOVED.indexOf(byte)),
);

const BYTES: ReadonlyMap<string, number> = new Map(CHARACTERS.map((character, byte) => [character, byte]));

/** The 256 characters in the order of CLIP's vocabulary: those that stand for themselves first. */
export const VOCABULARY_ORDER: readonly string[] = [...ALL.filter(isPrintable), ...MOVED].map((byte) => CHARACTERS[byte]!);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** UTF-8 bytes of `text`, a character each. An unpaired surrogate counts as U+FFFD, for it has no UTF-8. */
export function toByteCharacters(text: string): string {
  let characters = '';
  for (const byte of encoder.encode(text)) characters += CHARACTERS[byte];
  return characters;
}

/** The text whose UTF-8 bytes `characters` stands for; bytes that are no UTF-8 become U+FFFD. */
export function fromByteCharacters(characters: string): string {
  return decoder.decode(Uint8Array.from(characters, (character) => BYTES.get(character) ?? 0x3f));
}
