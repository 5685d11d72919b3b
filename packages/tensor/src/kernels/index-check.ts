/**
 * Index checks: detection of indices outside their axis. Their values are on the GPU, so an op cannot throw at once: with `device.checkIndices` each op
 * that takes indices records one more kernel, and the next read throws a ShapeError that names the op and the place.
 */
import { wgsl } from '@mudpt/shaders';
import { type Device, engineOf } from '../device.ts';
import { ShapeError } from '../errors.ts';
import { grid1d, kernel } from './kernel.ts';
import type { Storage } from '../engine/storage.ts';
import type { Tensor } from '../tensor.ts';
import { contiguous } from './copy.ts';

const checkKernel = kernel({ name: 'index_check', source: wgsl['index_check.wgsl'] });

const SLOTS = 64;
const UNSET = 0xffffffff;

export type IndexRules = {
  /** Negative indices do not count from the end. */
  readonly isNegativeOutside?: boolean;
  /** One more index that is allowed. */
  readonly ignored?: number;
};

type Block = { readonly flags: Storage; readonly entries: Entry[] };
type Entry = { readonly op: string; readonly extent: number; readonly rules: IndexRules };

/** Blocks of flags not yet looked at. */
const pending = new WeakMap<Device, Block[]>();

function openBlock(device: Device): Block {
  const blocks = pending.get(device) ?? [];
  pending.set(device, blocks);
  const last = blocks.at(-1);
  if (last && last.entries.length < SLOTS) return last;
  const block: Block = { flags: engineOf(device).allocate(4 * SLOTS, true), entries: [] };
  engineOf(device).writeBytes(block.flags.buffer, 0, new Uint8Array(4 * SLOTS).fill(255));
  blocks.push(block);
  return block;
}

/** Records a check of `index` against an axis of `extent` if the device checks indices and no step is being captured. */
export function checkIndices(op: string, index: Tensor, extent: number, rules: IndexRules = {}): void {
  const { device } = index;
  const engine = engineOf(device);
  if (!device.checkIndices || engine.isCapturing || index.size === 0) return;
  engine.afterRead ??= async () => await report(device);
  const { flags, entries } = openBlock(device);
  using list = contiguous(index);
  checkKernel.dispatch(device, {
    buffers: { indices: list, flags },
    params: {
      count: list.size,
      offset: list.offset,
      extent,
      signed: index.dtype === 'i32' && !rules.isNegativeOutside,
      slot: entries.length,
      has_ignored: rules.ignored !== undefined,
      ignored: (rules.ignored ?? 0) >>> 0,
    },
    grid: grid1d(list.size, 64),
    bytes: 4 * list.size,
  });
  entries.push({ op, extent, rules });
}

async function report(device: Device): Promise<void> {
  const blocks = pending.get(device) ?? [];
  pending.delete(device);
  const found: (Entry & { position: number })[] = [];
  for (const { flags, entries } of blocks) {
    const values = new Uint32Array(await engineOf(device).readBytes(flags.buffer, 0, 4 * SLOTS));
    flags.release();
    for (const [slot, entry] of entries.entries()) {
      const position = values[slot] ?? UNSET;
      if (position !== UNSET) found.push({ ...entry, position });
    }
  }
  const [first] = found;
  if (!first) return;
  throw new ShapeError(
    first.op,
    `the index at position ${first.position} (in row-major order) is outside an axis of size ${first.extent}`,
    `use indices from ${first.rules.isNegativeOutside ? 0 : -first.extent} to ${first.extent - 1}`,
  );
}
