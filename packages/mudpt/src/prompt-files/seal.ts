/** Sealed texts, which end with their SHA-256; hashed by WebCrypto, in pages and in Node. */
import { FormatError } from '@mudpt/tensor';

/** The end of a text, made from its SHA-256. */
export interface Seal {
  readonly digits: number;
  end(digits: string): string;
}

/** The last entry of a JSON object written over several lines. */
export const JSON_SEAL: Seal = { digits: 64, end: (digits) => `,\n "sha256": "${digits}"\n}\n` };
/** The last line of a YAML file. */
export const YAML_SEAL: Seal = { digits: 64, end: (digits) => `# sha256: ${digits}\n` };

/** A JSON object over several lines, without its last brace, which the seal adds. */
export function jsonBody(value: object, indent = 1): string {
  return JSON.stringify(value, undefined, indent).replace(/\n?\}$/, '');
}

/** The text with its seal. */
export async function sealed(body: string, seal: Seal): Promise<string> {
  return body + seal.end(await digest(body, seal));
}

/** The text without its seal. @throws FormatError naming the file when seal and text do not fit */
export async function unsealed(op: string, name: string, text: string, seal: Seal): Promise<string> {
  const end = text.length - seal.end('0'.repeat(seal.digits)).length;
  const body = text.slice(0, Math.max(0, end));
  if (end >= 0 && (await sealed(body, seal)) === text) return body;
  throw notAsWritten(op, name);
}

export function notAsWritten(op: string, name: string): FormatError {
  return new FormatError(
    op,
    `${name} is not what was written: its SHA-256 is not that of its contents`,
    'it is damaged, was edited, or is of an older version: put the file back, or begin a new run',
    { code: 'prompts.altered', values: { name } },
  );
}

async function digest(body: string, { digits }: Seal): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .slice(0, digits);
}
