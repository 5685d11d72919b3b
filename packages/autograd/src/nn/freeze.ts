/** Which tensors of a module are learnt, chosen by their names. */
import { TensorError } from '@mudpt/tensor/functions';
import { isFloat } from '@mudpt/tensor/kernels';
import { isBuffer, requiresGrad } from '../parameter.ts';
import type { Module } from './module.ts';

/** Tensors by the beginning of their paths, by an expression, or by a function of path. */
export type NameFilter = string | RegExp | ((name: string) => boolean);

/**
 * Stops learning the tensors that `filter` names: `freeze(model, 'encoder.')`. @throws TensorError when it names none
 * @example
 * const model = new Sequential(new Linear(2, 2), new Linear(2, 2));
 * freeze(model, 'layers.0.');
 * console.log(model.parameters().length); // 2
 */
export function freeze(module: Module, filter: NameFilter): void {
  setLearnt('freeze', module, filter, { isLearnt: false });
}

/** Learns the float tensors that `filter` names, but those made by `buffer`. @throws TensorError when it names none */
export function unfreeze(module: Module, filter: NameFilter): void {
  setLearnt('unfreeze', module, filter, { isLearnt: true });
}

function setLearnt(op: string, module: Module, filter: NameFilter, { isLearnt }: { readonly isLearnt: boolean }): void {
  const isNamed = (name: string): boolean => {
    if (typeof filter === 'string') return name.startsWith(filter);
    return typeof filter === 'function' ? filter(name) : name.search(filter) >= 0;
  };
  const all = [...module.namedTensors()];
  const named = all.filter(([name]) => isNamed(name));
  if (named.length === 0)
    throw new TensorError(
      op,
      `no tensor is named by ${String(filter)}`,
      `names are ${all
        .slice(0, 6)
        .map(([name]) => name)
        .join(', ')}${all.length > 6 ? ', ...' : ''}`,
    );
  for (const [, tensor] of named) if (!isLearnt || (isFloat(tensor.dtype) && !isBuffer(tensor))) requiresGrad(tensor, isLearnt);
}
