/** Decoding of text files: with byte order marks, or in an encoding other than Unicode. */
import { readFile } from 'node:fs/promises';
import { FormatError, InputError } from '@mudpt/tensor';

/** The text of a file in UTF-8, or in UTF-16 with a mark; the mark is left out. @throws InputError when it cannot be read, FormatError when it is neither */
export async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new InputError('data', `${path} cannot be read (${(cause as Error).message})`, 'check the path and its permissions', {
      cause,
    });
  });
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError('data', `${path} is no text in UTF-8`, 'save it in UTF-8: in Excel as "CSV UTF-8"', { cause });
  }
}
