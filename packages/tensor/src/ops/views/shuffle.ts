/** Blocks of cells as channels, and channels as blocks of cells. */
import { ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { expectOneOf } from '../../definition/options.ts';
import { scope } from '../../scope.ts';
import { showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { permute, reshape } from './views.ts';

/** Options of {@link depthToSpace} and {@link spaceToDepth}. */
export type BlockOptions = {
  /** Order of the channels: 'DCR' (default) block row, block column, channel; 'CRD' channel, block row, block column. ONNX's names. */
  readonly mode?: 'DCR' | 'CRD';
};

type Size = readonly [images: number, channels: number, height: number, width: number];

function sizeOfImage(op: string, x: Tensor, block: number, mode: string): Size {
  x.expectLive(op);
  expectOneOf(op, 'mode', mode, ['DCR', 'CRD']);
  const [images = 0, channels = 0, height = 0, width = 0] = x.shape;
  if (x.rank === 4 && Number.isInteger(block) && block >= 1) return [images, channels, height, width];
  throw new ShapeError(
    op,
    `x has shape ${showShape(x.shape)}, block is ${block}`,
    'give [images, channels, height, width] and a whole number of at least 1',
  );
}

/**
 * x [N, C b b, H, W] as [N, C, H b, W b], b = `block`: every block of channels becomes a block of cells.
 * @throws ShapeError unless b b divides the channels
 * @example
 * console.log(await arange(4).reshape([1, 4, 1, 1]).depthToSpace(2).array()); // [[[[0,1],[2,3]]]]
 */
export const depthToSpace = defineOp('depthToSpace', (x: Tensor, block: number, { mode = 'DCR' }: BlockOptions = {}): Tensor => {
  const [images, channels, height, width] = sizeOfImage('depthToSpace', x, block, mode);
  if (channels % (block * block) !== 0)
    throw new ShapeError('depthToSpace', `x has ${channels} channels`, `they must be a multiple of ${block * block}`);
  const deep = channels / (block * block);
  const [apart, order] =
    mode === 'DCR'
      ? ([
          [block, block, deep],
          [0, 3, 4, 1, 5, 2],
        ] as const)
      : ([
          [deep, block, block],
          [0, 1, 4, 2, 5, 3],
        ] as const);
  return scope(() =>
    reshape(permute(reshape(x, [images, ...apart, height, width]), order), [images, deep, height * block, width * block]),
  );
});

/**
 * x [N, C, H b, W b] as [N, C b b, H, W], b = `block`: the inverse of {@link depthToSpace}.
 * @throws ShapeError unless b divides height and width
 */
export const spaceToDepth = defineOp('spaceToDepth', (x: Tensor, block: number, { mode = 'DCR' }: BlockOptions = {}): Tensor => {
  const [images, channels, height, width] = sizeOfImage('spaceToDepth', x, block, mode);
  if (height % block !== 0 || width % block !== 0)
    throw new ShapeError('spaceToDepth', `x has shape ${showShape(x.shape)}`, `height and width must be multiples of ${block}`);
  const [rows, columns] = [height / block, width / block];
  const order = mode === 'DCR' ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4];
  return scope(() =>
    reshape(permute(reshape(x, [images, channels, rows, block, columns, block]), order), [
      images,
      channels * block * block,
      rows,
      columns,
    ]),
  );
});

/** {@link depthToSpace} with channels in the order channel, block row, block column (PyTorch's pixel_shuffle). @throws ShapeError */
export const pixelShuffle = defineOp(
  'pixelShuffle',
  (x: Tensor, block: number): Tensor => depthToSpace(x, block, { mode: 'CRD' }),
);

/** {@link spaceToDepth} with channels in the order channel, block row, block column (PyTorch's pixel_unshuffle). @throws ShapeError */
export const pixelUnshuffle = defineOp(
  'pixelUnshuffle',
  (x: Tensor, block: number): Tensor => spaceToDepth(x, block, { mode: 'CRD' }),
);
