/** All methods by name. Adding one to this package is a line here and its file; other packages register theirs. */
import { InputError } from '@mudpt/tensor';
import { checkMethodDefinition } from '../method/check.ts';
import { atprompt } from './atprompt.ts';
import { clipAdapter } from './clip-adapter.ts';
import { clipLora } from './clip-lora.ts';
import { cocoop } from './cocoop.ts';
import { coop } from './coop.ts';
import { coprompt } from './coprompt.ts';
import { dept } from './dept.ts';
import type { MethodDefinition } from '../method/definition.ts';
import { MethodError } from '../method/errors.ts';
import { deepLanguage, ivlp } from './ivlp.ts';
import { kgcoop } from './kgcoop.ts';
import { linearProbe } from './linear-probe.ts';
import { lpPlusPlus } from './lp-plus-plus.ts';
import { maple } from './maple.ts';
import { mma } from './mma.ts';
import { mmrl } from './mmrl.ts';
import { mudpt } from './mudpt.ts';

import { prograd } from './prograd.ts';
import { prolip } from './prolip.ts';
import { promptkd } from './promptkd.ts';
import { promptsrc } from './promptsrc.ts';
import { taskRes } from './taskres.ts';
import { tcp } from './tcp.ts';
import { tipAdapter, tipAdapterF } from './tip-adapter.ts';
import { umudpt } from './umudpt.ts';
import { vpt } from './vpt.ts';
import { zeroShot } from './zero-shot.ts';

const BUILT_IN: readonly MethodDefinition[] = [
  zeroShot,
  linearProbe,
  lpPlusPlus,
  tipAdapter,
  tipAdapterF,
  clipAdapter,
  taskRes,
  prolip,
  coop,
  cocoop,
  kgcoop,
  prograd,
  tcp,
  atprompt,
  dept,
  clipLora,
  mma,
  mmrl,
  vpt,
  deepLanguage,
  ivlp,
  maple,
  coprompt,
  promptsrc,
  promptkd,
  umudpt,
  mudpt,
];

const table = new Map<string, MethodDefinition>(BUILT_IN.map((method) => [method.name, method]));

/**
 * Adds a method to those that are known wherever one is named: `--method`, `methodNamed`, `train({ method })`, prompt files and checkpoints.
 * @returns a registration whose disposal removes it from the table; optional
 * @throws InputError for a definition that lacks something, or whose name is taken
 */
export function registerMethod(definition: MethodDefinition): Disposable {
  checkMethodDefinition(definition);
  const { name } = definition;
  if (table.has(name))
    throw new InputError(
      'registerMethod',
      `there is a method "${name}" already`,
      'choose another name, and register each definition once',
    );
  table.set(name, definition);
  return {
    [Symbol.dispose](): void {
      if (table.get(name) === definition) table.delete(name);
    },
  };
}

/** Names of all methods, those that were registered included. */
export function methodNames(): string[] {
  return [...table.keys()];
}

/** The definition of a method by its name. @throws MethodError for an unknown one, listing those there are */
export function methodNamed(name: string): MethodDefinition {
  const found = table.get(name);
  if (found) return found;
  throw new MethodError(
    'method',
    `there is no method "${name}"`,
    `choose one of ${methodNames().join(', ')}; a method of another package is known after --plugin or registerMethod`,
  );
}
