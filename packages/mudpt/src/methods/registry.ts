/** All methods by name. Adding one is a line here and its file. */
import { cocoop } from './cocoop.ts';
import { coop } from './coop.ts';
import type { MethodDefinition } from '../method/definition.ts';
import { MethodError } from '../method/errors.ts';
import { deepLanguage, ivlp } from './ivlp.ts';
import { linearProbe } from './linear-probe.ts';
import { maple } from './maple.ts';
import { mudpt } from './mudpt.ts';
import { promptsrc } from './promptsrc.ts';
import { tipAdapter, tipAdapterF } from './tip-adapter.ts';
import { umudpt } from './umudpt.ts';
import { vpt } from './vpt.ts';
import { zeroShot } from './zero-shot.ts';

const METHODS: readonly MethodDefinition[] = [
  zeroShot,
  linearProbe,
  tipAdapter,
  tipAdapterF,
  coop,
  cocoop,
  vpt,
  deepLanguage,
  ivlp,
  maple,
  promptsrc,
  umudpt,
  mudpt,
];

/** Names of all methods. */
export function methodNames(): string[] {
  return METHODS.map(({ name }) => name);
}

/** @throws MethodError for an unknown name, listing those there are */
export function methodNamed(name: string): MethodDefinition {
  const found = METHODS.find((method) => method.name === name);
  if (found) return found;
  throw new MethodError('method', `there is no method "${name}"`, `choose one of ${methodNames().join(', ')}`);
}
