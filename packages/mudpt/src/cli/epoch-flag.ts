/** `--load-epoch`, which `evaluate`, `predict` and `explain` have in common. */
import * as z from 'zod';
import { flagValue } from '../settings/fields.ts';

export const LOAD_EPOCH = [
  '--load-epoch <epoch>',
  'take what was learnt after this epoch, from 1, of a run with --keep-epochs',
] as const;

/** @throws InputError for what is no epoch */
export function epochFlag(text: string | undefined): number | undefined {
  return text === undefined ? undefined : flagValue('load-epoch', text, z.int().positive());
}
