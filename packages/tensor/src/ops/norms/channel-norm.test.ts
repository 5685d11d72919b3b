/** Norms by channel, and channels as blocks of cells: edge shapes, views, what they refuse. */
import { expect, it } from 'vitest';
import { build, get, map, permute as permuteRef, type Ref } from '@mudpt/testing/reference/array';
import * as reference from '@mudpt/testing/reference/channel-norm';
import { expectClose } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import { toDevice } from '@mudpt/testing/views';
import * as ops from '../../index.ts';
import { scope, type Tensor } from '../../index.ts';

eachDevice('norms by channel', (ctx) => {
  const make = (shape: readonly number[], seed = 1): Ref => random(shape, seed, { round: 'f32' });
  const same = async (found: Tensor, wanted: Ref, what: string): Promise<void> => {
    expect(found.shape, what).toEqual(wanted.shape);
    expectClose(await found.data(), wanted, { rel: 1e-5, abs: 1e-5 }, what);
  };

  it.each([[[2, 4, 3, 5]], [[3, 6, 7]], [[5, 2]], [[1, 2, 1, 1]], [[2, 2, 2, 3, 2]]])('of shape %j', (shape) =>
    scope(async () => {
      const channels = shape[1]!;
      // Far from 0, where x * scale - mean * scale would lose digits.
      const x = map(make(shape), (v) => Math.fround(v + 100));
      const [weight, bias, mean] = [
        make([channels], 2),
        make([channels], 3),
        map(make([channels], 4), (v) => Math.fround(v + 100)),
      ];
      const variance = map(make([channels], 5), (v) => Math.fround(v * v + 0.1));
      const [t, w, b, m, v] = [x, weight, bias, mean, variance].map((values) => toDevice(ctx.device, values)) as [
        ...[Tensor, Tensor, Tensor, Tensor, Tensor],
      ];
      await same(t.batchNorm(m, v, w, b), reference.batchNorm(x, mean, variance, { weight, bias }), 'batchNorm');
      await same(t.batchNorm(m, v, undefined, undefined, 0.5), reference.batchNorm(x, mean, variance, { eps: 0.5 }), 'bare');
      const training = t.batchNormTraining(w, b);
      const wanted = reference.batchNormTraining(x, { weight, bias });
      expectClose(await training.out.data(), wanted.out, { rel: 1e-5, abs: 1e-5 }, 'training');
      await same(training.mean, wanted.mean, 'mean');
      expectClose(await training.variance.data(), wanted.variance, { rel: 1e-5, abs: 1e-6 }, 'variance');
      const near = map(x, (value) => Math.fround(value - 100));
      const n = toDevice(ctx.device, near);
      for (const groups of [1, 2])
        await same(n.groupNorm(groups, w, b), reference.groupNorm(near, groups, { weight, bias }), `groupNorm ${groups}`);
      if (shape.length > 2) await same(n.instanceNorm(w), reference.groupNorm(near, channels, { weight }), 'instanceNorm');
      for (const size of [1, 3, 4])
        await same(
          n.localResponseNorm(size, { alpha: 0.5 }),
          reference.localResponseNorm(near, size, { alpha: 0.5 }),
          `response ${size}`,
        );
    }),
  );

  it('keep the digits of a variance far below eps, and of values around a mean far above their deviation', () =>
    scope(async () => {
      for (const [scale, shift, eps] of [
        [1e-6, 0, 1e-5],
        [1, 1e5, 1e-5],
        [1, -1e5, 0],
      ] as const) {
        const x = map(make([2, 4, 3, 5]), (v) => Math.fround(scale * v + shift));
        const wanted = reference.batchNormTraining(x, { eps });
        const t = toDevice(ctx.device, x);
        const { out, variance } = t.batchNormTraining(undefined, undefined, eps);
        expectClose(await variance.data(), wanted.variance, { rel: 1e-5, abs: 0 }, `variance at ${shift}`);
        expectClose(await out.data(), wanted.out, { rel: 1e-5, abs: 1e-5 }, `out at ${shift}`);
        if (eps > 0)
          expectClose(await t.groupNorm(2).data(), reference.groupNorm(x, 2), { rel: 1e-5, abs: 1e-5 }, `groups at ${shift}`);
      }
    }));

  it('of views, and in f16 with weights of f32', async ({ skip }) => {
    await scope(async () => {
      const x = make([3, 5, 4, 2]);
      const turned = toDevice(ctx.device, x).permute([3, 2, 0, 1]);
      await same(turned.groupNorm(2), reference.groupNorm(permuteRef(x, [3, 2, 0, 1]), 2), 'view');
    });
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    await scope(async () => {
      const x = random([2, 4, 5], 2, { round: 'f16' });
      const weight = make([4]);
      const found = toDevice(ctx.device, x, 'f16').groupNorm(2, toDevice(ctx.device, weight));
      expect(found.dtype).toBe('f16');
      expectClose(await found.data(), reference.groupNorm(x, 2, { weight }), { rel: 5e-3, abs: 5e-3 });
    });
  });

  it('blocks of cells become channels, and back', () =>
    scope(async () => {
      const x = make([2, 12, 2, 3]);
      const t = toDevice(ctx.device, x);
      const channelOf = {
        CRD: (c: number, i: number, j: number) => c * 4 + i * 2 + j,
        DCR: (c: number, i: number, j: number) => (i * 2 + j) * 3 + c,
      };
      for (const mode of ['CRD', 'DCR'] as const) {
        const wide = t.depthToSpace(2, { mode });
        const wanted = build([2, 3, 4, 6], ([n, c, h, w]) =>
          get(x, [n!, channelOf[mode](c!, h! % 2, w! % 2), Math.floor(h! / 2), Math.floor(w! / 2)]),
        );
        expect(wide.shape).toEqual(wanted.shape);
        expect(Array.from(await wide.data())).toEqual(Array.from(wanted.data));
        expect(Array.from(await wide.spaceToDepth(2, { mode }).data())).toEqual(Array.from(x.data));
      }
      expect(Array.from(await t.pixelShuffle(2).data())).toEqual(Array.from(await t.depthToSpace(2, { mode: 'CRD' }).data()));
      expect(Array.from(await t.pixelShuffle(2).pixelUnshuffle(2).data())).toEqual(Array.from(x.data));
      expect(() => t.depthToSpace(5)).toThrow(/^depthToSpace: x has 12 channels. They must be a multiple of 25/);
      expect(() => t.spaceToDepth(2)).toThrow(/height and width must be multiples of 2/i);
      expect(() => t.pixelShuffle(0)).toThrow(/block is 0/);
      expect(() => t.depthToSpace(2, { mode: 'RCD' as never })).toThrow(/mode is "RCD"/);
    }));

  it('refuse what does not fit', () =>
    scope(() => {
      const x = ops.zeros([2, 6, 3], { device: ctx.device });
      const short = ops.zeros([5], { device: ctx.device });
      expect(() => x.groupNorm(4)).toThrow(/^groupNorm: groups is 4, x has 6 channels/);
      expect(() => x.groupNorm(2, short)).toThrow(/^groupNorm: weight has shape \[5\], x \[2, 6, 3\]. Give weight \[6\]/);
      expect(() => x.batchNorm(short, short)).toThrow(/^batchNorm: mean has shape \[5\]/);
      expect(() => short.groupNorm(1)).toThrow(/^groupNorm: x has shape \[5\]/);
      expect(() => ops.zeros([2, 6], { device: ctx.device }).instanceNorm()).toThrow(/^instanceNorm: x has shape/);
      expect(() => ops.zeros([0, 6], { device: ctx.device }).batchNormTraining()).toThrow(/at least one value a channel/);
      expect(() => x.localResponseNorm(0)).toThrow(/^localResponseNorm: size is 0/);
    }));
});
