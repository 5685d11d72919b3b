/** Where a weight of this package, which has OpenAI's names, lies in a file of other names and layouts. */
import type { TowerName } from '../../weight-shapes.ts';

/** Where one weight lies in a file. */
export interface Recipe {
  /** Tensors of the file, joined along their first axis; {@link ZEROS} for a part that the file does not have. */
  readonly parts: readonly string[];
  /** How many shares of the first axis each part has. Default: one each. */
  readonly shares?: readonly number[];
  /** Whether the file holds the transpose (of a weight in one part). */
  readonly transposed: boolean;
}

/** Stands for a part of zeros: a bias that a model does not have. */
export const ZEROS = '';

/** What stands before the names of each tower. */
export type Prefixes = Readonly<Record<TowerName, string>>;

/** The factor of similarities and what is added to them. */
export function isOfLogits(name: string): boolean {
  return name === 'logit_scale' || name === 'logit_bias';
}

/** The name of a weight of the whole model in a file: under the prefix of either tower where these differ, or without one. */
export function findLogits(name: string, prefixes: readonly string[], names: ReadonlySet<string>): string {
  const candidates = [...prefixes, ''].map((prefix) => prefix + name);
  return candidates.find((candidate) => names.has(candidate)) ?? name;
}
