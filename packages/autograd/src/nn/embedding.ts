import { type Tensor } from '@mudpt/tensor/functions';
import { embedding } from '../ops.ts';
import { expectModuleOptions, type InitOptions, normal } from './init.ts';
import { Module } from './module.ts';

/** Rows of a table by id: ids [...] (i32 or u32) give [..., channels]. Begins normal with deviation 1, or `deviation`. */
export class Embedding extends Module {
  readonly weight: Tensor;

  constructor(rows: number, channels: number, options: InitOptions & { readonly deviation?: number } = {}) {
    super();
    expectModuleOptions('Embedding', options, ['deviation']);
    this.weight = normal([rows, channels], options.deviation ?? 1, options);
  }

  forward(ids: Tensor): Tensor {
    return embedding(this.weight, ids);
  }
}
