/**
 * Packed (ragged) sequences: many sequences of different lengths one behind the other in [N, ...] tensors, without padding.
 * Kernels find their rows through a table of row blocks, so a workgroup never starts on padding.
 */
import { wgsl } from '@mudpt/shaders';
import type { Device } from '../../device/device.ts';
import { LimitError, ShapeError } from '../../errors.ts';
import { grid1d, kernel } from '../../kernel.ts';
import { keep } from '../../scope.ts';
import { alias, empty, type Tensor } from '../../tensor.ts';
import { tensor } from '../create.ts';

const blocksKernel = kernel({ name: 'attention.blocks', source: wgsl['attention.blocks.wgsl'] });

/** Rows a workgroup of the attention kernels may own. */
export const BLOCK_HEIGHTS: readonly number[] = [8, 16, 32];

/** Row blocks of one height: u32 [entries, 4] of (first row of the sequence, its length, first row of the block in it, unused). */
export type BlockTable = { readonly tensor: Tensor; readonly entries: number };

/**
 * Where each packed sequence lies. Make it once per batch (or once per training run, when lengths do not change) and pass it as `cuSeqlens`;
 * it holds small tensors on the device until disposed.
 */
export class PackedSequences {
  private readonly tables: ReadonlyMap<number, BlockTable>;

  /** Use {@link packedSequences} or {@link packedSequencesOnDevice}. */
  constructor(
    /** Cumulative lengths, i32 [count + 1], from 0 to `total`. */
    readonly cuSeqlens: Tensor,
    /** Number of sequences. */
    readonly count: number,
    /** Rows of all sequences together. */
    readonly total: number,
    /** The longest sequence, or a bound for it. */
    readonly maxLength: number,
    /** Lengths where the host knows them. */
    readonly lengths: readonly number[] | undefined,
  ) {
    // All heights at once: a captured step cannot upload a table later. Kept: the lifetime is this object's, not a scope's.
    keep(cuSeqlens);
    const make = (rows: number): BlockTable => (lengths ? this.tableOfLengths(lengths, rows) : this.tableOnDevice(rows));
    this.tables = new Map(BLOCK_HEIGHTS.map((rows) => [rows, make(rows)]));
    for (const { tensor: blocks } of this.tables.values()) keep(blocks);
  }

  get device(): Device {
    return this.cuSeqlens.device;
  }

  /** Pairs of (query, key) within sequences, for counting work; an upper bound when only the device knows the lengths. */
  pairs(causal: boolean): number {
    const lengths = this.lengths ?? Array.from({ length: this.count }, () => this.maxLength);
    return lengths.reduce((sum, length) => sum + (causal ? (length * (length + 1)) / 2 : length * length), 0);
  }

  /** The table of blocks of `rows` rows. It belongs to this object. */
  table(rows: number): BlockTable {
    const known = this.tables.get(rows);
    if (!known)
      throw new LimitError('attention', `no block table of ${rows} rows is kept`, `use one of ${BLOCK_HEIGHTS.join(', ')}`);
    known.tensor.expectLive('attention');
    return known;
  }

  dispose(): void {
    this.cuSeqlens.dispose();
    for (const { tensor: blocks } of this.tables.values()) blocks.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private tableOfLengths(lengths: readonly number[], rows: number): BlockTable {
    const entries = lengths.reduce((sum, length) => sum + Math.ceil(length / rows), 0);
    const words = new Uint32Array(4 * entries);
    let start = 0;
    let at = 0;
    for (const length of lengths) {
      for (let row = 0; row < length; row += rows, at += 4) words.set([start, length, row], at);
      start += length;
    }
    return { tensor: tensor(words, { device: this.device, shape: [entries, 4] }), entries };
  }

  /** Without host knowledge every sequence gets the blocks of the longest; those past its end are empty and end at once. */
  private tableOnDevice(rows: number): BlockTable {
    const perSequence = Math.ceil(this.maxLength / rows);
    const entries = this.count * perSequence;
    const blocks = empty(this.device, [entries, 4], 'u32');
    blocksKernel.dispatch(this.device, {
      buffers: { cuSeqlens: this.cuSeqlens, blocks },
      params: { offset: this.cuSeqlens.offset, stride: this.cuSeqlens.strides[0] ?? 1, entries, perSequence, rows },
      grid: grid1d(entries, 64),
    });
    return { tensor: blocks, entries };
  }
}

/**
 * Describes sequences whose lengths the host knows.
 * @throws ShapeError when a length is not a whole number >= 0
 */
export function packedSequences(device: Device, lengths: readonly number[]): PackedSequences {
  const bad = lengths.findIndex((length) => !Number.isInteger(length) || length < 0);
  if (bad >= 0)
    throw new ShapeError(
      'packedSequences',
      `length ${lengths[bad]} of sequence ${bad} is not a whole number >= 0`,
      'give whole lengths',
    );
  const ends = [0];
  for (const length of lengths) ends.push((ends.at(-1) ?? 0) + length);
  const total = ends.at(-1) ?? 0;
  if (total >= 2 ** 31) throw new LimitError('packedSequences', `${total} rows in all`, 'keep the sum of lengths below 2^31');
  const cuSeqlens = tensor(Int32Array.from(ends), { device });
  return new PackedSequences(cuSeqlens, lengths.length, total, Math.max(0, ...lengths), [...lengths]);
}

/**
 * Describes sequences whose cumulative lengths only the device knows.
 * @param cuSeqlens i32 or u32 [count + 1], from 0 to `total`, ascending (not checked: reading it back would stall)
 * @param maxLength no sequence is longer; rows beyond it would be ignored
 */
export function packedSequencesOnDevice(cuSeqlens: Tensor, options: { total: number; maxLength: number }): PackedSequences {
  cuSeqlens.expectLive('packedSequencesOnDevice');
  const [size = 0] = cuSeqlens.shape;
  if (cuSeqlens.rank !== 1 || size < 1 || (cuSeqlens.dtype !== 'i32' && cuSeqlens.dtype !== 'u32')) {
    throw new ShapeError(
      'packedSequencesOnDevice',
      `cuSeqlens is ${String(cuSeqlens)}`,
      'give cumulative lengths as i32 or u32 [count + 1], starting with 0',
    );
  }
  return new PackedSequences(alias(cuSeqlens), size - 1, options.total, options.maxLength, undefined);
}

/** Lengths from cumulative lengths. @throws ShapeError when they do not start at 0 and ascend */
export function lengthsOf(op: string, cuSeqlens: readonly number[]): number[] {
  const descends = cuSeqlens.findIndex((end, index) => index > 0 && end < (cuSeqlens[index - 1] ?? 0));
  if (cuSeqlens[0] !== 0 || descends >= 0) {
    throw new ShapeError(
      op,
      `cuSeqlens [${cuSeqlens.slice(0, 8).join(', ')}${cuSeqlens.length > 8 ? ', ...' : ''}] does not start at 0 and ascend`,
      'give cumulative lengths: 0, then the end of each sequence',
    );
  }
  return cuSeqlens.slice(1).map((end, index) => end - (cuSeqlens[index] ?? 0));
}
