/** Which methods can be run, by the name in a golden's metadata. */
import type { MethodRunner } from './case.ts';
import { zeroshotClip, zeroshotEnsemble } from './zeroshot.ts';

export const METHODS: Readonly<Record<string, MethodRunner>> = {
  zeroshot_clip: zeroshotClip,
  zeroshot_ensemble: zeroshotEnsemble,
};
