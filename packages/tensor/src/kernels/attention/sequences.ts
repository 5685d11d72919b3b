/**
 * Packed (ragged) sequences: many sequences of different lengths one after the other in [N, ...] tensors, without padding.
 * Kernels find their rows through a table of row blocks, so a workgroup never starts on padding.
 */
import { attentionBlockTableWgsl } from '@mudpt/shaders';
import type { Device } from '../../device.ts';
import { DisposedError, LimitError, ShapeError } from '../../errors.ts';
import { grid1d, kernel } from '../kernel.ts';
import { keep } from '../../scope.ts';
import { alias, empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { nth, lastOf } from '../../values.ts';
import { upload } from '../upload.ts';

const blocksKernel = kernel({ name: 'attention.blocks', source: attentionBlockTableWgsl });

/** Rows a workgroup of the attention kernels may own. */
export const BLOCK_HEIGHTS: readonly number[] = [8, 16, 32];

/** Row blocks of one height: u32 [entries, 4] of (first row of the sequence, its length, first row of the block in it, unused). */
export type BlockTable = { readonly tensor: Tensor; readonly entries: number };

/** Tables on the device, shared by all handles of the same sequences. */
type Shared = { readonly cuSeqlens: Tensor; readonly tables: ReadonlyMap<number, BlockTable>; handles: number };

/**
 * Where each packed sequence lies. Make it once per batch (or once per training run, when lengths do not change) and pass it as `cuSeqlens`;
 * it holds small tensors on the device until disposed. A handle: {@link share} gives another one with its own lifetime, and the memory goes
 * with the last of them. No scope owns it.
 */
export class PackedSequences {
  private released = false;

  /** Use {@link packedSequences} or {@link packedSequencesOnDevice}. */
  constructor(
    private readonly shared: Shared,
    /** Number of sequences. */
    readonly count: number,
    /** Rows of all sequences together. */
    readonly total: number,
    /** The longest sequence, or a bound for it. */
    readonly maxLength: number,
    /** Lengths, where they are known on the host. */
    readonly lengths: readonly number[] | undefined,
  ) {
    shared.handles += 1;
  }

  /** Cumulative lengths, i32 or u32 [count + 1], from 0 to `total`. */
  get cuSeqlens(): Tensor {
    return this.shared.cuSeqlens;
  }

  get device(): Device {
    return this.cuSeqlens.device;
  }

  /** Pairs of (query, key) within sequences, for counting work; an upper bound when the lengths are on the device only. */
  pairs(causal: boolean): number {
    const lengths = this.lengths ?? Array.from({ length: this.count }, () => this.maxLength);
    return lengths.reduce((sum, length) => sum + (causal ? (length * (length + 1)) / 2 : length * length), 0);
  }

  /** The table of blocks of `rows` rows, owned by this object. */
  table(rows: number): BlockTable {
    this.expectLive('attention');
    const known = this.shared.tables.get(rows);
    if (!known)
      throw new LimitError('attention', `no block table of ${rows} rows is kept`, `use one of ${BLOCK_HEIGHTS.join(', ')}`);
    return known;
  }

  /** A second handle of the same sequences, with its own lifetime. */
  share(): PackedSequences {
    this.expectLive('share');
    return new PackedSequences(this.shared, this.count, this.total, this.maxLength, this.lengths);
  }

  /** Throws a DisposedError that names `op` if this handle was disposed. */
  expectLive(op: string): void {
    if (!this.released) return;
    throw new DisposedError(
      op,
      `packed sequences (${this.count} of ${this.total} rows) were used after they were disposed`,
      'dispose them later, or pass share() to whoever needs them longer',
    );
  }

  /** Releases this handle; a second call does nothing. */
  dispose(): void {
    if (this.released) return;
    this.released = true;
    this.shared.handles -= 1;
    if (this.shared.handles > 0) return;
    this.shared.cuSeqlens.dispose();
    for (const { tensor: blocks } of this.shared.tables.values()) blocks.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** All heights at once: a captured step cannot upload a table later. Kept: the lifetime is that of the handles, not a scope's. */
function sharedTables(cuSeqlens: Tensor, tableOf: (rows: number) => BlockTable): Shared {
  const tables = new Map(BLOCK_HEIGHTS.map((rows) => [rows, tableOf(rows)]));
  for (const { tensor: blocks } of tables.values()) keep(blocks);
  return { cuSeqlens: keep(cuSeqlens), tables, handles: 0 };
}

function tableOfLengths(device: Device, lengths: readonly number[], rows: number): BlockTable {
  const entries = lengths.reduce((sum, length) => sum + Math.ceil(length / rows), 0);
  const words = new Uint32Array(4 * entries);
  let start = 0;
  let at = 0;
  for (const length of lengths) {
    for (let row = 0; row < length; row += rows, at += 4) words.set([start, length, row], at);
    start += length;
  }
  return { tensor: upload(device, [entries, 4], 'u32', words), entries };
}

/** Without host knowledge every sequence gets the blocks of the longest; those past its end are empty and end at once. */
function tableOnDevice(cuSeqlens: Tensor, count: number, maxLength: number, rows: number): BlockTable {
  const perSequence = Math.ceil(maxLength / rows);
  const entries = count * perSequence;
  const blocks = empty(cuSeqlens.device, [entries, 4], 'u32');
  blocksKernel.dispatch(cuSeqlens.device, {
    buffers: { cu_seqlens: cuSeqlens, blocks },
    params: { offset: cuSeqlens.offset, stride: nth(cuSeqlens.strides, 0), entries, blocks_per_sequence: perSequence, rows },
    grid: grid1d(entries, 64),
  });
  return { tensor: blocks, entries };
}

/**
 * Describes sequences whose lengths are known on the host.
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
  for (const length of lengths) ends.push(lastOf(ends) + length);
  const total = lastOf(ends);
  if (total >= 2 ** 31) throw new LimitError('packedSequences', `${total} rows in all`, 'keep the sum of lengths below 2^31');
  const shared = sharedTables(upload(device, [ends.length], 'i32', Int32Array.from(ends)), (rows) =>
    tableOfLengths(device, lengths, rows),
  );
  return new PackedSequences(shared, lengths.length, total, Math.max(0, ...lengths), [...lengths]);
}

/**
 * Describes sequences whose cumulative lengths are on the device only.
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
  const [count, { total, maxLength }] = [size - 1, options];
  const shared = sharedTables(alias(cuSeqlens), (rows) => tableOnDevice(cuSeqlens, count, maxLength, rows));
  return new PackedSequences(shared, count, total, maxLength, undefined);
}

/**
 * A handle of the sequences that an attention call passed as `cuSeqlens`: sequences are shared, cumulative lengths described. The caller disposes it.
 * @param op named in errors
 * @throws ShapeError when cumulative lengths do not start at 0 and ascend, DisposedError for disposed sequences
 */
export function sequencesOf(op: string, device: Device, cuSeqlens: PackedSequences | readonly number[]): PackedSequences {
  if (!(cuSeqlens instanceof PackedSequences)) return packedSequences(device, lengthsOf(op, cuSeqlens));
  cuSeqlens.expectLive(op);
  return cuSeqlens.share();
}

function lengthsOf(op: string, cuSeqlens: readonly number[]): number[] {
  const descends = cuSeqlens.findIndex((end, index) => index > 0 && end < nth(cuSeqlens, index - 1));
  if (cuSeqlens[0] !== 0 || descends >= 0) {
    throw new ShapeError(
      op,
      `cuSeqlens [${cuSeqlens.slice(0, 8).join(', ')}${cuSeqlens.length > 8 ? ', ...' : ''}] does not start at 0 and ascend`,
      'give cumulative lengths: 0, then the end of each sequence',
    );
  }
  return cuSeqlens.slice(1).map((end, index) => end - nth(cuSeqlens, index));
}
