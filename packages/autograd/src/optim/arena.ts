/**
 * Parameters of a group side by side in one buffer, so that one dispatch updates them all. The parameters' own handles move into the
 * buffer: views made before that keep the old memory, and functions captured before that make the move an error.
 */
import { optimPackWgsl } from '@mudpt/shaders';
import {
  copyInto,
  type Device,
  DTypeError,
  empty,
  full,
  keep,
  ShapeError,
  sizeOf,
  type Tensor,
  tensor,
  TensorError,
  zeros,
} from '@mudpt/tensor/functions';
import { expectMovable, nth, rebind } from '@mudpt/tensor/internal';
import { sameShape, shaderKernel, showShape, view, workPerThread } from '@mudpt/tensor/kernels';
import type { Gradients } from '../tape/gradients.ts';
import { nameOf, noGrad } from '../parameter.ts';

/** Elements of a block: 64 invocations of a vec4 each. A parameter begins at a block. */
export const BLOCK = 256;
/** Most sources of one packing dispatch: `Params` of optim/pack.wgsl has places for so many. */
const MAX_SOURCES = 12;

/** Sources of one packing dispatch: with the target they must fit into the storage buffers of the device (at least 8). */
function sourcesAtOnce({ gpu }: Device): number {
  return Math.min(MAX_SOURCES, gpu.limits.maxStorageBuffersPerShaderStage - 1);
}

/** Blocks that a workgroup packs: on CPU adapters several, because a workgroup there enters the loops of the other sources too. */
function blocksPerGroup({ adapter }: Device): number {
  return adapter.kind === 'gpu' ? 1 : 16;
}

/** Most workgroups along one dimension of a dispatch, by WebGPU's default limits. */
const MAX_WORKGROUPS = 65535;

const packKernel = shaderKernel({ name: 'optim.pack', source: optimPackWgsl, strided: true });

/** Where each tensor of a list begins, in elements, and how many blocks they take together. */
export type Places = { readonly offsets: readonly number[]; readonly blocks: number };

export function layOut(tensors: readonly Tensor[]): Places {
  let blocks = 0;
  const offsets = tensors.map((tensor) => {
    const offset = blocks * BLOCK;
    blocks += Math.ceil(tensor.size / BLOCK);
    return offset;
  });
  return { offsets, blocks };
}

/** Copies tensors side by side into a new flat tensor, a constant for tapes; places without a tensor are left as they are. */
export function packInto(tensors: readonly (Tensor | undefined)[], places: Places, device?: Device): Tensor {
  return noGrad(() => pack(tensors, places, device));
}

function pack(tensors: readonly (Tensor | undefined)[], { offsets, blocks }: Places, device?: Device): Tensor {
  const given = tensors.flatMap((source, index) => (source ? [{ source, offset: nth(offsets, index) }] : []));
  const flat = empty(device ?? nth(given, 0).source.device, [blocks * BLOCK]);
  const most = sourcesAtOnce(flat.device);
  for (let start = 0; start < given.length; start += most) {
    const part = given.slice(start, start + most);
    const sources = part.map(({ source }) => flatForm(source));
    const bound = Array.from({ length: most }, (_, k) => sources[k] ?? nth(sources, 0));
    const padded = (list: readonly number[]): number[] => [
      ...list,
      ...Array.from({ length: MAX_SOURCES - list.length }, () => 0),
    ];
    const counts = sources.map((source) => Math.ceil(source.size / BLOCK));
    const blocks = Math.max(blocksPerGroup(flat.device), Math.ceil(counts.reduce((a, b) => a + b, 0) / (MAX_WORKGROUPS - most)));
    let groups = 0;
    const first_groups = counts.map((count) => {
      const first = groups;
      groups += Math.ceil(count / blocks);
      return first;
    });
    packKernel.dispatch(flat.device, {
      buffers: { result: flat, ...Object.fromEntries(bound.map((source, k) => [`g${k}`, source])) },
      params: {
        first_groups: padded(first_groups),
        lengths: padded(sources.map((source) => source.size)),
        source_offsets: padded(sources.map((source) => source.offset)),
        target_offsets: padded(part.map(({ offset }) => offset)),
        blocks,
      },
      grid: [groups],
      defines: {
        N: most,
        V: sources.every((source) => source.offset % 4 === 0) ? 4 : 1,
        WG: workPerThread(flat.device, 'optimizer', 'flat').group,
      },
      bytes: 8 * sources.reduce((sum, source) => sum + source.size, 0),
    });
    for (const source of sources) source.dispose();
  }
  return flat;
}

export class Arena implements Places {
  /** [blocks * BLOCK] f32 */
  readonly flat: Tensor;
  readonly blocks: number;
  readonly offsets: readonly number[];

  /**
   * @throws DTypeError unless all parameters are f32; TensorError for a repeated one or none; CaptureError when a captured function uses one,
   * or one is being captured
   */
  constructor(readonly parameters: readonly Tensor[]) {
    const [first] = parameters;
    if (!first) throw new TensorError('optimizer', 'a group has no parameters', 'mark what is learnt with parameter()');
    if (new Set(parameters).size !== parameters.length)
      throw new TensorError('optimizer', 'a parameter is named twice', 'name each parameter once');
    const odd = parameters.find((parameter) => parameter.dtype !== 'f32');
    if (odd)
      throw new DTypeError('optimizer', `parameter ${odd.toString()} is not f32`, "learn in f32, for instance x.cast('f32')");
    for (const parameter of parameters) expectMovable(parameter);
    const { offsets, blocks } = layOut(parameters);
    this.offsets = offsets;
    this.blocks = blocks;
    this.flat = keep(zeros([blocks * BLOCK], { device: first.device }));
    for (const [index, parameter] of parameters.entries()) {
      using place = this.viewOf(this.flat, index);
      noGrad(() => copyInto(place, parameter));
      rebind(parameter, place);
    }
  }

  /** A flat tensor of the same layout that holds `value` everywhere. */
  state(value = 0): Tensor {
    const shape = [this.blocks * BLOCK];
    const { device } = this.flat;
    return keep(value === 0 ? zeros(shape, { device }) : full(shape, value, { device }));
  }

  /** The part of a flat tensor for parameter `index`, in its shape. */
  viewOf(flat: Tensor, index: number): Tensor {
    const { shape } = nth(this.parameters, index);
    const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
    return view(flat, { shape, strides, offset: flat.offset + nth(this.offsets, index) });
  }

  /** @throws TensorError when a parameter has moved to other memory, which a write here would not reach */
  expectPlaced(): void {
    const index = this.parameters.findIndex(({ storage }) => storage !== this.flat.storage);
    if (index < 0) return;
    throw new TensorError(
      'optimizer',
      `parameter ${this.nameOf(index)} belongs to an optimizer made later`,
      'use that one, or give each its parameters',
    );
  }

  /** First block of parameter `index`. */
  firstBlock(index: number): number {
    return nth(this.offsets, index) / BLOCK;
  }

  nameOf(index: number): string {
    return nameOf(nth(this.parameters, index)) ?? String(index);
  }

  /** All gradients in one flat tensor; `missing` are the parameters that have none. @throws ShapeError for one of another shape than its parameter */
  pack(gradients: Gradients): { readonly flat: Tensor; readonly missing: readonly number[] } {
    const list = this.parameters.map((parameter, index) => {
      const gradient = gradients.get(parameter);
      if (!gradient || sameShape(gradient.shape, parameter.shape)) return gradient;
      throw new ShapeError(
        'optimizer',
        `the gradient of parameter ${this.nameOf(index)} has shape ${showShape(gradient.shape)}, the parameter ${showShape(parameter.shape)}`,
        'give gradients of the shapes of their parameters',
      );
    });
    const missing = list.flatMap((gradient, index) => (gradient ? [] : [index]));
    const flat = packInto(list, this, this.flat.device);
    return { flat, missing };
  }

  /** One u32 per block: 0 where the parameter is among `missing`. */
  mask(missing: readonly number[]): Tensor {
    const values = new Uint32Array(this.blocks).fill(1);
    for (const index of missing) {
      const first = this.firstBlock(index);
      values.fill(0, first, first + Math.ceil(nth(this.parameters, index).size / BLOCK));
    }
    return tensor(values, { device: this.flat.device });
  }

  dispose(): void {
    this.flat.dispose();
  }
}

/** A handle of `gradient` as contiguous f32. */
function flatForm(gradient: Tensor): Tensor {
  if (gradient.isContiguous && gradient.dtype === 'f32') return view(gradient, gradient);
  const copy = empty(gradient.device, gradient.shape);
  copyInto(copy, gradient);
  return copy;
}
