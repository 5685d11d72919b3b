/** Row launches of ops over the last axis: the rows of a tensor, the variant of rows.wgsl, and its grid. */
import type { Device } from '../device.ts';
import { expectDType } from '../dtype.ts';
import type { Choice } from '../engine/tuner.ts';
import { ShapeError } from '../errors.ts';
import { grid1d } from './kernel.ts';
import { collapse, showShape, sizeOf } from '../shape.ts';
import { alias } from '../definition/views.ts';
import type { Tensor } from '../tensor.ts';
import { contiguousCopy } from './copy.ts';
import { lastOf } from '../values.ts';

/**
 * A tensor [..., width] as rows of neighbouring elements, `stride` apart. Copied only when no single stride leads from row to row.
 * Holds a reference: dispose it.
 */
export class RowView {
  readonly tensor: Tensor;
  readonly stride: number;

  constructor(x: Tensor) {
    const lead = collapse(x.shape.slice(0, -1), [x.strides.slice(0, -1)]);
    const dense = x.shape.at(-1) === 1 || x.strides.at(-1) === 1;
    const fits = dense && lead.shape.length <= 1 && !x.shape.includes(0);
    this.tensor = fits ? alias(x) : contiguousCopy(x);
    this.stride = fits ? (lead.strides[0]?.[0] ?? 0) : (x.shape.at(-1) ?? 1);
  }

  get offset(): number {
    return this.tensor.offset;
  }

  [Symbol.dispose](): void {
    this.tensor.dispose();
  }
}

/** Rows of a float tensor and their number. @throws ShapeError for a scalar, DTypeError for integers, DisposedError */
export function expectRows(op: string, name: string, x: Tensor): { readonly rows: number; readonly width: number } {
  x.expectLive(op);
  expectDType(op, name, x.dtype, ['f32', 'f16']);
  if (x.rank === 0)
    throw new ShapeError(op, `${name} has shape ${showShape(x.shape)}`, 'give at least one axis; the op works along the last');
  return { rows: sizeOf(x.shape.slice(0, -1)), width: lastOf(x.shape) };
}

/** Elements one lane may add up: beyond that, the sum of a row would lose small terms to rounding. */
const MOST_A_LANE = 4096;

const ROWS_PER_GROUP = { row: 16, subgroup: 4, workgroup: 1 } as const;
/** Invocations of a workgroup of the variants that do not depend on subgroups. */
const GROUP_SIZES = { row: 16, workgroup: 64 } as const;
/** Which invocations share a row: a thread, a subgroup or a workgroup. */
export type RowVariant = keyof typeof ROWS_PER_GROUP;
/** All variants of rows.wgsl. */
export const ROW_VARIANTS = Object.keys(ROWS_PER_GROUP) as readonly RowVariant[];

/**
 * Which variants may run the rows, and the class of the problem. Software adapters prefer a thread per row (no exchange between lanes), even for so few rows that
 * lanes stay idle, because another pipeline would take longer to compile. GPUs prefer a subgroup per row, and more lanes for long rows.
 */
export function rowChoice(device: Device, rows: number, width: number): Choice<RowVariant> {
  const isShared = device.subgroupSize > 0 && width <= MOST_A_LANE * device.subgroupSize;
  const shared: RowVariant[] = isShared ? ['subgroup', 'workgroup'] : ['workgroup'];
  const alone = device.adapter.kind !== 'gpu' && width <= MOST_A_LANE;
  const last: RowVariant[] = width <= MOST_A_LANE ? ['row'] : [];
  const candidates: RowVariant[] = alone ? ['row', ...shared] : [...shared, ...last];
  return { candidates, key: `${rows >= 256 ? 'many' : 'few'}/${width >= 256 ? 'wide' : 'narrow'}` };
}

/** Most vectors of a row that a lane of a subgroup keeps in registers. */
const MOST_HELD = 8;

/** How many vectors of `unit` elements of a row each lane keeps (HELD of the norms): 0 where a row is longer, or lanes would have different numbers. */
export function heldByLane(device: Device, variant: RowVariant, width: number, unit: number): number {
  const held = width / unit / device.subgroupSize;
  return variant === 'subgroup' && Number.isInteger(held) && held <= MOST_HELD ? held : 0;
}

/** The variant of `family` that works on rows of `width` elements, its grid, and the invocations of a workgroup. */
export function rowLaunch(
  device: Device,
  family: string,
  rows: number,
  width: number,
): { readonly variant: RowVariant; readonly grid: readonly number[]; readonly threads: number } {
  const { candidates, key } = rowChoice(device, rows, width);
  const variant = device.tuner.choose(family, candidates, key);
  const threads = variant === 'subgroup' ? ROWS_PER_GROUP.subgroup * device.subgroupSize : GROUP_SIZES[variant];
  return { variant, grid: width === 0 ? [0] : grid1d(rows, ROWS_PER_GROUP[variant]), threads };
}
