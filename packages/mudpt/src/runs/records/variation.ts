/** Variations of an evaluation: what was measured in place of the run as it ended, with other texts than its data set's. */
import * as z from 'zod';

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256');

export const variationSchema = z.strictObject({
  /** Epoch, from 1, after which the learnt tensors were taken. */
  epoch: z.int().positive().max(1e6).optional(),
  /** Template of the data set's texts. */
  template: z.string().max(10_000).optional(),
  /** SHA-256 of the list of class names. */
  classNames: digest.optional(),
  /** SHA-256 of the class descriptions that frozen texts were made of. */
  descriptions: digest.optional(),
});

/** Variation of an evaluation; absent values are those of the run and its data. */
export type Variation = z.infer<typeof variationSchema>;

/** Whether nothing varies. */
export function isPlain(variation: Variation | undefined): boolean {
  return variation === undefined || Object.values(variation).every((value) => value === undefined);
}

/** The part of a variation that changes the frozen model's results. */
export function ofFrozenModel({ epoch: _epoch, ...texts }: Variation): Variation {
  return texts;
}

/** For people and tables: `epoch 3`; empty where nothing varies. */
export function describeVariation({ epoch, template, classNames, descriptions }: Variation = {}): string {
  return [
    ...(epoch === undefined ? [] : [`epoch ${epoch}`]),
    ...(template === undefined ? [] : [`template "${template}"`]),
    ...(classNames === undefined ? [] : [`class names ${classNames.slice(0, 8)}`]),
    ...(descriptions === undefined ? [] : [`descriptions ${descriptions.slice(0, 8)}`]),
  ].join(', ');
}
