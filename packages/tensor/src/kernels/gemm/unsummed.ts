/**
 * Results whose partial sums were the last thing recorded into a captured step: a kernel that reads whole rows of one, as norms do, adds the sums up
 * itself, and the dispatch that would have is taken back.
 */
import type { Capture } from '../../engine/capture.ts';
import type { Storage } from '../../engine/storage.ts';
import { engineOf } from '../../device.ts';
import { contiguousStrides, sameShape, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import type { Product } from './problem/problem.ts';

/** A result c [rows, width] f32, contiguous from the first element of its memory on, as the sums it is made of. */
export type Unsummed = {
  /** Becomes c. */
  readonly storage: Storage;
  readonly rows: number;
  readonly width: number;
  /** f32 [splits, rows, width] */
  readonly partial: Storage;
  readonly splits: number;
  /** f32 [width] and [rows, width], added in this order, with their first elements. */
  readonly bias: { readonly storage: Storage; readonly offset: number } | undefined;
  readonly residual: { readonly storage: Storage; readonly offset: number } | undefined;
};

/** Of each capture its last result, and how many commands there were after it. */
const last = new WeakMap<Capture, { readonly unsummed: Unsummed; readonly commands: number }>();

/** Remembers a product whose partial sums have just been added up. Nothing to remember outside of captures, whose memory outlives its handles. */
export function noteSums({ batch, m, n, c, epilogue }: Product, partial: Tensor, splits: number): void {
  const { capturing } = engineOf(c.tensor.device);
  if (!capturing) return;
  const { alpha = 1, bias, activation = 'none', save, grad, residual } = epilogue;
  const { tensor } = c;
  const isPlain = alpha === 1 && activation === 'none' && !save && !grad;
  const isDense =
    tensor.offset === 0 &&
    c.offset === 0 &&
    c.row === n &&
    c.col === 1 &&
    sameShape(c.batch, contiguousStrides([...batch, m, n]).slice(0, -2));
  const isBias = !bias || (bias.tensor.dtype === 'f32' && bias.row === 0 && bias.col === 1);
  if (!isPlain || !isDense || !isBias || tensor.dtype !== 'f32' || (residual && residual.dtype !== 'f32')) return;
  const rows = sizeOf(batch) * m;
  const unsummed: Unsummed = {
    storage: tensor.storage,
    rows,
    width: n,
    partial: partial.storage,
    splits,
    bias: bias && { storage: bias.tensor.storage, offset: bias.offset },
    residual: residual && { storage: residual.storage, offset: residual.offset },
  };
  last.set(capturing, { unsummed, commands: capturing.length });
}

/**
 * The sums of x, if they were added up by the last command: that command is taken back, and the caller's has to write x.
 * @param buffers storage buffers that the caller's kernel then binds
 * @param unit elements that it reads at once
 * @param isBare whether it adds neither bias nor residual
 */
export function takeSums(x: Tensor, buffers: number, unit: number, isBare = false): Unsummed | undefined {
  const { device } = x;
  const { capturing } = engineOf(device);
  const noted = capturing && last.get(capturing);
  if (!capturing || noted?.commands !== capturing.length) return undefined;
  const { unsummed } = noted;
  const { storage, rows, width, bias, residual } = unsummed;
  const isRead = [bias, residual].every((added) => !added || (!isBare && added.offset % unit === 0));
  const isWhole =
    x.storage === storage && x.offset === 0 && x.isContiguous && x.shape.at(-1) === width && x.size === rows * width;
  if (!isRead || !isWhole || buffers > device.gpu.limits.maxStorageBuffersPerShaderStage) return undefined;
  capturing.takeBack();
  storage.version -= 1; // that write is not made; the caller's counts in its place
  last.delete(capturing);
  return unsummed;
}
