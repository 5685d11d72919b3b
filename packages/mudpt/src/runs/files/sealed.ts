/** Text that knows its own SHA-256, so that damage of any byte is seen: the files of a run that are not tensors. */
import { createHash } from 'node:crypto';
import { FormatError } from '@mudpt/tensor';
import { JSON_SEAL, jsonBody, notAsWritten, type Seal } from '../../prompt-files/seal.ts';

export { JSON_SEAL, YAML_SEAL } from '../../prompt-files/seal.ts';

/** The last entry of an object on one line: 64 bits suffice there, and many lines stay short. */
const LINE_SEAL: Seal = { digits: 16, end: (digits) => `,"check":"${digits}"}` };

export function sealText(body: string, seal: Seal): string {
  return body + seal.end(digest(Buffer.from(body), seal));
}

/**
 * `value` as JSON with its SHA-256 as the last entry.
 * @param indent 0: all else on one line, where there are too many numbers to read
 */
export function sealJson(value: object, indent = 1): string {
  return sealText(jsonBody(value, indent), JSON_SEAL);
}

/** What was sealed. @throws FormatError naming `path` when it is not what was written */
export function openSealed(op: string, path: string, bytes: Uint8Array, seal: Seal): string {
  const end = bytes.length - seal.end('0'.repeat(seal.digits)).length;
  const body = bytes.subarray(0, Math.max(0, end));
  if (end >= 0 && Buffer.from(seal.end(digest(body, seal))).equals(bytes.subarray(end))) return decode(op, path, body);
  throw notAsWritten(op, path);
}

/**
 * The object in a sealed JSON file of the given format.
 * @throws FormatError naming `path` for another format, and for damage
 */
export function openSealedJson(op: string, path: string, bytes: Uint8Array, format: number): unknown {
  const found = formatOf(bytes);
  if (found !== undefined && found !== format)
    throw new FormatError(
      op,
      `${path} has format ${found}, and this version reads ${format}`,
      'use the version of the program that wrote it, or begin a new run',
    );
  return JSON.parse(`${openSealed(op, path, bytes, JSON_SEAL)}\n}`);
}

function formatOf(bytes: Uint8Array): number | undefined {
  try {
    const { format } = JSON.parse(new TextDecoder().decode(bytes)) as { format?: unknown };
    return typeof format === 'number' ? format : undefined;
  } catch {
    // The seal is checked next: its error about damage says more than the parser's.
    return undefined;
  }
}

/** One line of a JSON Lines file. */
export function sealLine(value: object): string {
  return `${sealText(JSON.stringify(value).slice(0, -1), LINE_SEAL)}\n`;
}

type LinesOptions = { readonly isGrowing?: boolean };

/**
 * The objects of a JSON Lines file.
 * @param options.isGrowing the file is appended to: a last line without its end was cut by a crash and is left out. Default false
 * @throws FormatError naming `path` and the line that is damaged
 */
export function openSealedLines(op: string, path: string, bytes: Uint8Array, options?: LinesOptions): unknown[] {
  return [...sealedLines(op, path, bytes, options)];
}

/** The same as a generator, so that other work can be done between two lines. */
export function* sealedLines(
  op: string,
  path: string,
  bytes: Uint8Array,
  { isGrowing = false }: LinesOptions = {},
): Generator<unknown> {
  let count = 0;
  for (let at = 0; at < bytes.length; ) {
    const next = bytes.indexOf(0x0a, at);
    if (next < 0 && isGrowing) break;
    const line = bytes.subarray(at, next < 0 ? bytes.length : next);
    const where = `${path}, line ${count + 1},`;
    if (next < 0) throw new FormatError(op, `${where} has no end`, 'the file is damaged: put it back, or begin a new run');
    yield JSON.parse(`${openSealed(op, where, line, LINE_SEAL)}}`);
    count += 1;
    at = next + 1;
  }
}

function digest(bytes: Uint8Array, { digits }: Seal): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, digits);
}

function decode(op: string, path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(op, `${path} is not UTF-8`, 'put the file back', { cause });
  }
}
