/** Initial values of learnt tensors: embeddings of words, or random numbers from a seed. Drawn on the host, so the same on every adapter. */
import { normal, type Random } from '@mudpt/autograd';
import { keep, type Shape, sizeOf, type Tensor, tensor } from '@mudpt/tensor';
import type { CreationContext, MethodContext } from '../method/method.ts';

/** Standard deviation of prompts that begin at random, in all methods of the family. */
export const PROMPT_DEVIATION = 0.02;

/** Prompts N(0, 0.02^2). A shape with a 0 gives an empty tensor. */
export function randomPrompts(shape: Shape, { device }: Pick<MethodContext, 'device'>, random: Random): Tensor {
  if (sizeOf(shape) === 0) return keep(tensor(new Float32Array(), { shape, device }));
  return normal(shape, PROMPT_DEVIATION, { device, random });
}

export type ContextStart = {
  /** [count, width] */
  readonly tokens: Tensor;
  /** The text before the class name: the words whose tokens are replaced, or as many placeholders. */
  readonly prefix: string;
};

/**
 * The first context tokens: the embeddings of `words` where they have at least `count` tokens, else random with "X" as placeholders.
 * @param keepWords whether words beyond `count` stay in the text, as MaPLe's learner has it ("[v][v] of a dog."), or go (MuDPT: "[v][v] dog.")
 */
export function contextStart(
  { text, tokenizer, device, random }: Pick<CreationContext, 'text' | 'tokenizer' | 'device' | 'random'>,
  { words, count, keepWords }: { words: string; count: number; keepWords: boolean },
): ContextStart {
  const written = words.replaceAll('_', ' ').trim();
  const ids = tokenizer.encode(written, { specialTokens: false });
  if (written === '' || ids.length < count)
    return { tokens: randomPrompts([count, text.config.width], { device }, random), prefix: placeholders(count) };
  const tokens = keep(text.tokens.rows(Int32Array.from(ids.slice(0, count))));
  return { tokens, prefix: keepWords ? written : written.split(/\s+/).slice(0, count).join(' ') };
}

/** `count` placeholder words of one token each. */
export function placeholders(count: number): string {
  return Array.from({ length: count }, () => 'X').join(' ');
}
