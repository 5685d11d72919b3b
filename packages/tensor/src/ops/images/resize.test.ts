/** Resizing against its definition, the examples of ONNX's Resize and Pillow's antialiased filters; sampling at grids; padding with cells. */
import { expect, it } from 'vitest';
import { map, permute as permuteRef, type Ref, ref } from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import * as reference from '@mudpt/testing/reference/resize';
import { eachDevice } from '@mudpt/testing/support';
import { toDevice } from '@mudpt/testing/views';
import * as ops from '../../index.ts';
import { type ResizeOptions, scope, type Tensor } from '../../index.ts';

const close = { rel: 1e-5, abs: 2e-6 };
const steps = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/** The examples of ONNX's Resize (onnx/backend/test/case/node/resize.py): the first rows of their results. */
const ONNX: readonly (readonly [name: string, shape: readonly number[], options: ResizeOptions, first: readonly number[]])[] = [
  ['linear upsample', [2, 2], { scale: 2, mode: 'linear' }, [1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5]],
  ['linear downsample', [2, 4], { scale: 0.6, mode: 'linear' }, [2.6666665, 4.3333331]],
  [
    'cubic upsample',
    [4, 4],
    { scale: 2, mode: 'cubic' },
    [0.47265625, 0.76953125, 1.24609375, 1.875, 2.28125, 2.91015625, 3.38671875, 3.68359375],
  ],
  ['cubic downsample', [4, 4], { scale: 0.8, mode: 'cubic' }, [1.47119141, 2.78125, 4.08251953]],
  [
    'cubic with other slope, outside left out',
    [4, 4],
    { scale: 2, mode: 'cubic', cubicCoefficient: -0.5, excludeOutside: true },
    [0.55882353, 0.81494204, 1.35698249, 1.89705882, 2.39705882, 2.93713516, 3.47917561, 3.73529412],
  ],
  [
    'cubic, asymmetric',
    [4, 4],
    { scale: 2, mode: 'cubic', coordinates: 'asymmetric' },
    [1, 1.40625, 2, 2.5, 3, 3.59375, 4, 4.09375],
  ],
  [
    'cubic, corners aligned',
    [4, 4],
    { scale: 2, mode: 'cubic', alignCorners: true },
    [1, 1.34110787, 1.80029155, 2.32944606, 2.67055394, 3.19970845, 3.65889213, 4],
  ],
  [
    'linear, pytorch_half_pixel',
    [4, 4],
    { size: [3, 1], mode: 'linear', coordinates: 'pytorchHalfPixel' },
    [1.6666666, 7, 12.333333],
  ],
  ['linear, antialias', [4, 4], { scale: 0.6, mode: 'linear', antialias: true, excludeOutside: false }, [2.875, 4.5, 9.375, 11]],
  [
    'cubic, antialias',
    [4, 4],
    { scale: 0.6, mode: 'cubic', antialias: true, excludeOutside: false, cubicCoefficient: -0.75 },
    [2.5180721, 4.2858863, 9.589329, 11.357142],
  ],
  ['nearest, to three', [2, 4], { size: [1, 3], coordinates: 'halfPixel', rounding: 'preferFloor' }, [1, 2, 4]],
  ['nearest, corners aligned, floor', [4, 4], { size: 8, alignCorners: true, rounding: 'floor' }, [1, 1, 1, 2, 2, 3, 3, 4]],
  ['nearest, asymmetric, ceil in the middle', [4, 4], { size: 8, rounding: 'preferCeil' }, [1, 2, 2, 3, 3, 4, 4, 4]],
  ['nearest, half pixel, ceil', [4, 4], { size: 8, coordinates: 'halfPixel', rounding: 'ceil' }, [1, 2, 2, 3, 3, 4, 4, 4]],
];

eachDevice('resize', (ctx) => {
  const make = (shape: readonly number[], seed = 1): Ref => random(shape, seed, { round: 'f32' });
  const same = async (found: Tensor, wanted: Ref, what: string): Promise<void> => {
    expect(found.shape, what).toEqual(wanted.shape);
    expectClose(await found.data(), wanted, close, what);
  };

  it.each(ONNX)('ONNX: %s', (name, shape, options, first) =>
    scope(async () => {
      const x = toDevice(ctx.device, ref([1, 1, ...shape], steps(shape[0]! * shape[1]!)));
      const found = [...(await x.resize(options).data())].slice(0, first.length);
      expectClose(found, ref([first.length], first), close, name);
    }),
  );

  it('antialias is that of Pillow, which PyTorch has', () =>
    scope(async () => {
      const values = [1, 4, 9, 16, 8, 2, 15, 13, 13, 15, 2, 8, 16, 9, 4, 1, 0, 1, 4, 9];
      const x = toDevice(ctx.device, ref([1, 1, 4, 5], values));
      const linear = x.resize({ size: [3, 2], mode: 'linear', antialias: true });
      await same(linear, ref([1, 1, 3, 2], [6.4045453, 12.0409088, 9.136364, 11.3409089, 2.8954546, 5.9954543]), 'linear');
      const cubic = x.resize({ size: [2, 7], mode: 'cubic', antialias: true });
      const rows = [
        [1.1069566, 5.9554038, 10.7536316, 11.9710741, 14.0092402, 12.8237448, 10.4881649],
        [1.3606676, 3.4249218, 6.5477676, 9.0206614, 7.5013733, 7.0229387, 7.4941025],
      ];
      await same(cubic, ref([1, 1, 2, 7], rows.flat()), 'cubic');
    }));

  it('along any axes, by size and by scale, of views', () =>
    scope(async () => {
      const x = make([5, 2, 7, 3]);
      const turned = toDevice(ctx.device, x).permute([1, 3, 2, 0]); // [2, 3, 7, 5]
      const wanted = permuteRef(x, [1, 3, 2, 0]);
      const half = (input: number, output: number) => (i: number) => ((i + 0.5) * input) / output - 0.5;
      const linear = reference.resizeAxis(wanted, 2, { output: 4, place: half(7, 4), mode: 'linear' });
      await same(
        turned.resize({ size: [4, 9], mode: 'linear' }),
        reference.resizeAxis(linear, 3, { output: 9, place: half(5, 9), mode: 'linear' }),
        'linear',
      );
      await same(
        turned.resize({ scale: 1.3, axes: [1], mode: 'cubic', coordinates: 'asymmetric' }),
        reference.resizeAxis(wanted, 1, { output: 3, place: (i) => i / 1.3, mode: 'cubic' }),
        'cubic with the scale as given',
      );
      await same(
        turned.resize({ scale: 0.55, axes: [-2], mode: 'linear', coordinates: 'halfPixelSymmetric' }),
        reference.resizeAxis(wanted, 2, {
          output: 3,
          place: (i) => 3.5 * (1 - 3 / (0.55 * 7)) + (i + 0.5) / 0.55 - 0.5,
          mode: 'linear',
        }),
        'around the middle',
      );
      await same(
        turned.resize({ size: [3, 5], mode: 'nearestExact' }),
        reference.resizeAxis(wanted, 2, { output: 3, place: half(7, 3), mode: 'nearest', round: (at) => Math.floor(at + 0.5) }),
        'nearestExact',
      );
      const sequence = make([2, 3, 5]);
      await same(
        toDevice(ctx.device, sequence).resize({ size: 8 }),
        reference.resizeAxis(sequence, 2, { output: 8, place: (i) => (i * 5) / 8, mode: 'nearest', round: Math.floor }),
        'nearest of sequences',
      );
      await same(turned.resize({ size: [3, 2], mode: 'area' }), await refOf(ops.adaptiveAvgPool2d(turned, [3, 2])), 'area');
      await same(turned.resize({ size: [7, 5], mode: 'cubic' }), wanted, 'nothing to do');
      const infinite = toDevice(ctx.device, ref([1, 1, 3], [Infinity, 1, NaN]));
      expect([...(await infinite.resize({ size: 5, mode: 'linear', alignCorners: true }).data())]).toEqual([
        Infinity,
        Infinity,
        1,
        NaN,
        NaN,
      ]);
    }));
  const refOf = async (t: Tensor): Promise<Ref> => ref(t.shape, await t.data());

  it('in f16', async ({ skip }) => {
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    const x = map(make([1, 2, 3, 4]), (v) => Math.round(v * 64) / 64);
    using t = toDevice(ctx.device, x, 'f16');
    using found = t.resize({ scale: 2, axes: [3], mode: 'linear' });
    const wanted = reference.resizeAxis(x, 3, { output: 8, place: (i) => (i + 0.5) / 2 - 0.5, mode: 'linear' });
    expectClose(await found.data(), wanted, { rel: 1e-3, abs: 1e-3 });
  });

  it('refuses what cannot be', () =>
    scope(() => {
      const x = ops.zeros([1, 1, 2, 2], { device: ctx.device });
      expect(() => x.resize({})).toThrow(/^resize: neither size nor scale/);
      expect(() => x.resize({ size: 2, scale: 2 })).toThrow(/size and scale are given/);
      expect(() => x.resize({ size: [1, 2, 3] })).toThrow(/size is 1,2,3. Give one whole number/);
      expect(() => x.resize({ scale: 0.1 })).toThrow(/axis 2 of x \[1, 1, 2, 2\] would get 0 cells/);
      expect(() => x.resize({ size: 2, mode: 'bilinear' as never })).toThrow(
        /mode is "bilinear". Use 'linear', it takes any number of axes/,
      );
      expect(() => x.resize({ size: 2, alignCorners: true, coordinates: 'asymmetric' })).toThrow(/give one of them/i);
      expect(() => x.resize({ size: 2, antialias: true })).toThrow(/only 'linear' and 'cubic'/i);
      expect(() => x.reshape([2, 2]).resize({ size: 2 })).toThrow(/no axes after the first two/);
    }));

  const POINTS = [-1.7, -1, -0.93, -0.4, 0, 0.31, 0.8, 1, 1.26, 3.3];
  it.each(
    (['linear', 'nearest', 'cubic'] as const).flatMap((mode) =>
      (['zeros', 'border', 'reflection'] as const).flatMap((padding) =>
        [true, false].map((alignCorners) => ({ mode, padding, alignCorners })),
      ),
    ),
  )('gridSample, %o', (options) =>
    scope(async () => {
      const x = make([2, 3, 4, 5]);
      // Off the middles between cells, where rounding decides.
      const grid = map(
        ref(
          [2, 5, 5, 2],
          Array.from({ length: 100 }, (_, i) => POINTS[(i * 7 + Math.floor(i / 20)) % 10]!),
        ),
        (v) => Math.fround(v + 0.003),
      );
      const found = ops.gridSample(toDevice(ctx.device, x), toDevice(ctx.device, grid), options);
      const wanted = reference.gridSample(x, grid, options);
      expect(found.shape).toEqual(wanted.shape);
      expectClose(await found.data(), wanted, { rel: 1e-5, abs: 1e-5 });
    }),
  );

  it('gridSample of views; a point that is NaN gives NaN, one at infinity what lies outside', () =>
    scope(async () => {
      const image = toDevice(ctx.device, ref([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]));
      const points = toDevice(ctx.device, ref([1, 2, 1, 2], [Number.NaN, 0, Infinity, 0]));
      expect([...(await image.gridSample(points).data())]).toEqual([Number.NaN, 0]);
      expect([...(await image.gridSample(points, { padding: 'border', alignCorners: true }).data())]).toEqual([Number.NaN, 4.5]);
      const turned = image.transpose(2, 3); // rows 1 4, 2 5, 3 6
      const corners = toDevice(ctx.device, ref([1, 1, 2, 2], [1, -1, -1, 1]));
      expect([...(await turned.gridSample(corners, { alignCorners: true }).data())]).toEqual([4, 3]);
    }));

  it('gridSample at the grid of the identity gives the image, of a mirror the mirrored one', () =>
    scope(async () => {
      const x = make([1, 2, 3, 4]);
      const t = toDevice(ctx.device, x);
      for (const alignCorners of [true, false]) {
        const theta = toDevice(ctx.device, ref([2, 2, 3], [1, 0, 0, 0, 1, 0, -1, 0, 0, 0, 1, 0]));
        const grids = theta.affineGrid([3, 4], { alignCorners });
        expect(grids.shape).toEqual([2, 3, 4, 2]);
        const [same_, mirrored] = grids.split(1) as [Tensor, Tensor];
        expectClose(await t.gridSample(same_, { alignCorners }).data(), x, { rel: 1e-5, abs: 1e-5 });
        expectClose(await t.gridSample(mirrored, { alignCorners }).data(), await refOf(t.flip(-1)), { rel: 1e-5, abs: 1e-5 });
      }
      const solid = toDevice(ctx.device, ref([1, 3, 4], [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0.5]));
      const cells = await solid.affineGrid([2, 1, 2]).data();
      expect([...cells]).toEqual([-0.5, 0, 0, 0.5, 0, 0, -0.5, 0, 1, 0.5, 0, 1]);
      expect(() => t.affineGrid([3, 4])).toThrow(/^affineGrid: theta has shape/);
      expect(() => t.gridSample(t)).toThrow(/^gridSample: grid has shape/);
    }));

  it('pads with cells of the tensor, and crops', () =>
    scope(async () => {
      const x = make([2, 3, 4, 5]);
      const t = toDevice(ctx.device, x);
      for (const mode of ['reflect', 'replicate', 'circular'] as const)
        for (const amounts of [
          [
            [0, 0],
            [0, 0],
            [2, 1],
            [0, 3],
          ],
          [
            [1, 0],
            [0, 2],
          ],
          [
            [0, -1],
            [0, 0],
            [-1, 2],
            [2, -2],
          ],
          [],
        ] as [number, number][][]) {
          const found = t.pad(amounts, mode);
          const wanted = reference.padWith(x, amounts, mode);
          expect(found.shape, mode).toEqual(wanted.shape);
          expect(Array.from(await found.data()), `${mode} ${JSON.stringify(amounts)}`).toEqual(Array.from(wanted.data));
        }
      const counts = ops.tensor([1, 2, 3], { dtype: 'i32', device: ctx.device });
      expect([...(await counts.pad([[2, 2]], 'reflect').data())]).toEqual([3, 2, 1, 2, 3, 2, 1]);
      expect([...(await counts.pad([[3, 1]], 'circular').data())]).toEqual([1, 2, 3, 1, 2, 3, 1]);
      expect(() => counts.pad([[3, 0]], 'reflect')).toThrow(
        /^pad: axis 0 of 3 cells cannot be padded with \[3, 0\] in mode "reflect"/,
      );
      expect(() => counts.pad([[1, 0]], 'edge' as never)).toThrow(/value is "edge". Give a number, or one of reflect/);
      expect(() =>
        counts.pad(
          [
            [0, 0],
            [1, 1],
          ],
          'replicate',
        ),
      ).toThrow(/do not fit x of shape \[3\]/);
    }));
});
