/**
 * Index checks: detection of indices outside their axis. Their values are on the GPU, so an op cannot throw at once: with `device.checkIndices` each op
 * that takes indices records one more kernel, and the next read throws a ShapeError that names the op, the axis, the place and the index.
 */
import { indexCheckWgsl } from '@mudpt/shaders';
import { type Device, engineOf } from '../device.ts';
import { ShapeError } from '../errors.ts';
import { kernel } from './kernel.ts';
import type { Storage } from '../engine/storage.ts';
import type { Tensor } from '../tensor.ts';
import { nth } from '../values.ts';
import { contiguous } from './copy.ts';

const checkKernel = kernel({ name: 'index_check', source: indexCheckWgsl });

const SLOTS = 64;
const UNSET = 0xffffffff;

/** Which indices an op allows, and what a message calls them. */
export type IndexRules = {
  /** Negative indices do not count from the end. */
  readonly isNegativeOutside?: boolean;
  /** One more index that is allowed. */
  readonly ignored?: number;
  /** The axis that is indexed, for the message. */
  readonly axis?: number;
};

type Block = { readonly flags: Storage; readonly entries: Entry[] };
type Entry = { readonly op: string; readonly extent: number; readonly rules: IndexRules; readonly isSigned: boolean };

/** Flags of recorded checks that have not been read yet, in blocks. */
const pending = new WeakMap<Device, Block[]>();

function openBlock(device: Device): Block {
  const blocks = pending.get(device) ?? [];
  pending.set(device, blocks);
  const last = blocks.at(-1);
  if (last && last.entries.length < SLOTS) return last;
  const block: Block = { flags: engineOf(device).allocate(2 * 4 * SLOTS), entries: [] };
  blocks.push(block);
  return block;
}

/** Records a check of `index` against an axis of `extent` if the device checks indices and no step is being captured. */
export function checkIndices(op: string, index: Tensor, extent: number, rules: IndexRules = {}): void {
  const { device } = index;
  const engine = engineOf(device);
  if (!device.checkIndices || engine.isCapturing || index.size === 0) return;
  watchReads(device);
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
      slots: SLOTS,
      has_ignored: rules.ignored !== undefined,
      ignored: (rules.ignored ?? 0) >>> 0,
    },
    grid: [1],
    bytes: 4 * list.size,
  });
  entries.push({ op, extent, rules, isSigned: index.dtype === 'i32' });
}

/** Devices that already report failed checks after reads. */
const reporting = new WeakSet<Device>();

function watchReads(device: Device): void {
  if (reporting.has(device)) return;
  reporting.add(device);
  engineOf(device).afterRead.add(() => report(device));
}

async function report(device: Device): Promise<void> {
  const blocks = pending.get(device) ?? [];
  pending.delete(device);
  const found: (Entry & { position: number; index: number })[] = [];
  for (const { flags, entries } of blocks) {
    const values = new Uint32Array(await engineOf(device).readFlags(flags.buffer, 2 * 4 * SLOTS));
    flags.release();
    for (const [slot, entry] of entries.entries()) {
      const position = values[slot] ?? UNSET;
      const index = nth(values, SLOTS + slot);
      if (position !== UNSET) found.push({ ...entry, position, index: entry.isSigned ? index | 0 : index });
    }
  }
  const [first] = found;
  if (!first) return;
  const { op, extent, rules, position, index } = first;
  const axis = rules.axis === undefined ? 'an axis' : `axis ${rules.axis}`;
  throw new ShapeError(
    op,
    `the index at position ${position} (in row-major order) is ${index}, outside ${axis} of size ${extent}`,
    `use indices from ${rules.isNegativeOutside ? 0 : -extent} to ${extent - 1}`,
  );
}
