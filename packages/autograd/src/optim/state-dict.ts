/** The state dict of an optimizer: its flat states as views in the shapes of the parameters, and their restoration. */
import { copyInto, type Tensor, TensorError } from '@mudpt/tensor/functions';
import { nth } from '@mudpt/tensor/internal';
import { view } from '@mudpt/tensor/kernels';
import { type Arena, BLOCK } from './arena.ts';

/** The parameters of one group and the states of their optimizer. */
export type GroupState<O> = {
  readonly arena: Arena;
  readonly options: O;
  /** Flat tensors by their name in the state dict. */
  readonly states: Readonly<Record<string, Tensor>>;
  /** Updates so far, one u32 per block. */
  readonly steps: Tensor | undefined;
  /** States of one f32 per block, equal for all blocks of a parameter, by their name in the state dict. */
  readonly blockStates: Readonly<Record<string, Tensor>>;
};

/** Views of all states by name; see `Optimizer.stateDict`. The caller disposes them. */
export function stateDictOf(groups: readonly GroupState<unknown>[]): Record<string, Tensor> {
  const dict: Record<string, Tensor> = {};
  for (const [which, { arena, states, steps, blockStates }] of groups.entries()) {
    const perBlock = [...(steps ? ([['step', steps]] as const) : []), ...Object.entries(blockStates)];
    const prefix = groups.length > 1 ? `${which}.` : '';
    for (const [index, parameter] of arena.parameters.entries()) {
      const name = arena.nameOf(index);
      for (const [state, flat] of Object.entries(states)) dict[`${prefix}${state}.${name}`] = arena.viewOf(flat, index);
      if (parameter.size === 0) continue;
      for (const [state, list] of perBlock)
        dict[`${prefix}${state}.${name}`] = view(list, { shape: [], strides: [], offset: arena.firstBlock(index) });
    }
  }
  return dict;
}

/** Copies saved states into those of `groups`. @throws TensorError when names differ, ShapeError when shapes do */
export function loadStateDict(groups: readonly GroupState<unknown>[], dict: Readonly<Record<string, Tensor>>): void {
  const targets = stateDictOf(groups);
  const differ = [...new Set([...Object.keys(targets), ...Object.keys(dict)])].filter(
    (name) => !(name in targets) || !(name in dict),
  );
  try {
    if (differ.length > 0)
      throw new TensorError(
        'loadStateDict',
        `names differ: ${differ.join(', ')}`,
        'load what stateDict() of the same optimizer gave',
      );
    for (const [name, target] of Object.entries(targets)) {
      const source = dict[name] as Tensor;
      const group = groups.find(({ steps, blockStates }) =>
        [steps, ...Object.values(blockStates)].some((list) => list?.storage === target.storage),
      );
      if (group) setBlocks(group.arena, target, source);
      else copyInto(target, source);
    }
  } finally {
    for (const tensor of Object.values(targets)) tensor.dispose();
  }
}

/** Sets one number of a parameter in all of its blocks; `target` is the first one. */
function setBlocks(arena: Arena, target: Tensor, source: Tensor): void {
  const index = arena.parameters.findIndex((parameter, i) => parameter.size > 0 && arena.firstBlock(i) === target.offset);
  const blocks = Math.ceil(nth(arena.parameters, index).size / BLOCK);
  using all = view(target, { shape: [blocks], strides: [1], offset: target.offset });
  using repeated = view(source, { shape: [blocks], strides: [0] });
  copyInto(all, repeated);
}
