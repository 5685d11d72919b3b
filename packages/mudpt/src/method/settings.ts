/** Settings shared by several methods. */
import { z } from 'zod';
import { settingMetadata } from '../settings/metadata.ts';
import { MethodError } from './errors.ts';

/** Limit of the numbers of prompts and layers: larger ones are typing errors, and would exhaust memory before a tower refused them. */
const MOST = 4096;
const count = z
  .int()
  .positive()
  .max(MOST, { error: ({ input }) => `${String(input)} is more than any tower takes: give at most ${MOST}` });

/** The setting of the words that the first text prompts begin with. */
export const initWords = (words = 'a photo of a') =>
  z.string().default(words).describe('words the first text prompts begin with; empty: random numbers');

/** The setting of how many prompt tokens there are. */
export const length = (prompts: number) =>
  count
    .default(prompts)
    .describe('prompt tokens in a text or image')
    .register(settingMetadata, { flag: 'length', placeholder: 'count' });

/** The setting of how many layers take prompts. */
export const depth = (layers: number) =>
  count
    .default(layers)
    .describe('layers that take prompts, the input counted as the first')
    .register(settingMetadata, { flag: 'depth', placeholder: 'count', counts: 'layers' });

/** Metadata of the place of a block, published for towers of ViT-B/16. */
export const BLOCK_PLACE = { amongBlocks: 12 } as const;
/** The same, where blocks are counted from 0. */
export const BLOCK_INDEX = { amongBlocks: 12, blocksFrom: 0 } as const;

/** Checks a prompt depth against a tower. @throws MethodError when the tower has fewer blocks */
export function expectDepth(method: string, setting: string, depthSetting: number, tower: string, layers: number): void {
  if (depthSetting <= layers) return;
  throw new MethodError(
    method,
    `${setting} is ${depthSetting}, and the ${tower} tower has ${layers} blocks`,
    `set ${setting} to at most ${layers}`,
    { code: 'method.depth', values: { setting, value: depthSetting, layers } },
  );
}
