import { expect, it } from 'vitest';
import { permute, type Ref, ref, slice } from '@mudpt/testing/reference/array';
import { expectNormClose } from '@mudpt/testing/reference/compare';
import * as reference from '@mudpt/testing/reference/fourier';
import { random } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import { toDevice } from '@mudpt/testing/views';
import * as ops from '../../index.ts';
import { type Complex, scope, type Tensor, tensor } from '../../index.ts';

eachDevice('fourier transforms', (ctx) => {
  const upload = (x: Ref): Tensor => toDevice(ctx.device, x);
  const read = async (t: Tensor): Promise<Ref> => ref(t.shape, await t.data());
  const check = async (found: Complex, wanted: reference.ComplexRef, what: string): Promise<void> => {
    for (const part of ['re', 'im'] as const) {
      expect(found[part].shape, what).toEqual(wanted[part].shape);
      const both = [...wanted.re.data, ...wanted.im.data];
      const size = Math.hypot(...both);
      const values = await found[part].data();
      const error = Math.hypot(...wanted[part].data.map((value, i) => value - values[i]!));
      expect(error, `${what} ${part}`).toBeLessThanOrEqual(2e-6 * size);
    }
  };

  it('of powers of two, short and in two steps, of primes and other lengths, forth and back', () =>
    scope(async () => {
      for (const shape of [[1], [2], [3, 8], [2, 3], [7], [60], [128], [1024], [1000], [4096], [0, 4]]) {
        const [x, y] = [random(shape, 1), random(shape, 2)];
        const pair = { re: upload(x), im: upload(y) };
        const forth = ops.fft(pair);
        // Of the longest the definition takes seconds.
        const n = shape.at(-1)!;
        if (n <= 1024) {
          await check(forth, reference.fourier({ re: x, im: y }, -1, -1), `fft [${shape}]`);
          await check(ops.fft(pair.re), reference.fourier({ re: x }, -1, -1), `fft of a real tensor [${shape}]`);
        }
        await check(ops.ifft(forth), { re: x, im: y }, `back [${shape}]`);
      }
      // A wave has one line in its spectrum, whatever the length.
      const wave = Float32Array.from({ length: 4096 }, (_, i) => Math.cos((2 * Math.PI * ((i * 1027) % 4096)) / 4096));
      const spectrum = await ops.fft(tensor(wave, { device: ctx.device })).re.data();
      expect(Array.from(spectrum, (value, k) => (Math.abs(value) > 1 ? k : -1)).filter((k) => k >= 0)).toEqual([1027, 3069]);
    }));

  it('along other axes, of views, of two axes', () =>
    scope(async () => {
      const [x, y] = [random([4, 6, 2], 3), random([4, 6, 2], 4)];
      const pair = { re: upload(x), im: upload(y) };
      for (const axis of [0, 1, -1])
        await check(ops.ifft(pair, axis), reference.fourier({ re: x, im: y }, axis, 1, 1 / x.shape.at(axis)!), `${axis}`);
      await check(ops.fft2(pair, [0, 1]), reference.fourier(reference.fourier({ re: x, im: y }, 0, -1), 1, -1), 'fft2');
      await check(ops.ifft2(ops.fft2(pair)), { re: x, im: y }, 'fft2 and back');
      const turned = ops.transpose(pair.re, 0, 1);
      await check(
        ops.fft({ re: turned, im: ops.mul(turned, 0) }, 0),
        exchanged(reference.fourier({ re: x }, 1, -1)),
        'of a view',
      );
    }));

  it('real transforms and back, even and odd; frames; windows', () =>
    scope(async () => {
      for (const n of [1, 2, 5, 8]) {
        const x = random([3, n], 5);
        const half = ops.rfft(upload(x));
        const whole = reference.fourier({ re: x }, -1, -1);
        const kept = (part: Ref): Ref => slice(part, [null, { stop: Math.floor(n / 2) + 1 }]);
        await check(half, { re: kept(whole.re), im: kept(whole.im) }, `rfft ${n}`);
        expectNormClose(await read(ops.irfft(half, -1, n)), x, 2e-6, `irfft ${n}`);
      }
      const window = ops.hannWindow(8, { device: ctx.device });
      expect(Array.from(await window.data())).toEqual(
        Array.from({ length: 8 }, (_, i) => Math.fround(0.5 - 0.5 * Math.cos((2 * Math.PI * i) / 8))),
      );
      const symmetric = await ops.blackmanWindow(5, { periodic: false, device: ctx.device }).data();
      expect(Array.from(symmetric, (value) => Math.round(100 * Math.abs(value)))).toEqual([0, 34, 100, 34, 0]);
      expect((await ops.hammingWindow(4, { device: ctx.device }).data())[0]).toBeCloseTo(0.08, 6);
      const x = random([2, 21], 6);
      const spectra = ops.stft(upload(x), { size: 8, hop: 5, window });
      expect(spectra.re.shape).toEqual([2, 3, 5]);
      const values = await window.data();
      const frame = ref(
        [2, 8],
        [0, 1].flatMap((row) => Array.from(values, (value, i) => value * x.data[row * 21 + 5 + i]!)),
      );
      const wanted = reference.fourier({ re: frame }, -1, -1);
      const second = (part: Tensor): Tensor => ops.select(part, 1, 1);
      const kept = (part: Ref): Ref => slice(part, [null, { stop: 5 }]);
      await check({ re: second(spectra.re), im: second(spectra.im) }, { re: kept(wanted.re), im: kept(wanted.im) }, 'frame');
    }));

  it('a captured step replays a length that is no power of two to the same bits', async () => {
    const parts = (x: Tensor): Tensor => scope(() => ops.cat(Object.values(ops.fft(x)), 0));
    using step = ops.capture(({ x }: { x: Tensor }) => parts(x), { device: ctx.device });
    for (const seed of [1, 2]) {
      using x = upload(random([6], seed));
      using eager = parts(x);
      expect(await step({ x }).data()).toEqual(await eager.data());
    }
  });

  it('says what is wrong', () =>
    scope(() => {
      const x = ops.zeros([2, 3], { device: ctx.device });
      expect(() => ops.fft(x, 2)).toThrow(/fft: axis 2/);
      expect(() => ops.fft({ re: x, im: ops.zeros([3], { device: ctx.device }) })).toThrow(/re has shape \[2, 3\], im \[3\]/);
      expect(() => ops.fft(ops.zeros([2, 0], { device: ctx.device }))).toThrow(/axis 1 of shape \[2, 0\] is empty/);
      expect(() => ops.fft(ops.cast(x, 'i32'))).toThrow(/dtype i32/);
      expect(() => ops.irfft({ re: x, im: x }, -1, 7)).toThrow(/length is 7/);
      expect(() => ops.stft(x, { size: 4 })).toThrow(/frames 4 points/);
    }));
});

/** Both parts with their first two axes exchanged. */
function exchanged({ re, im }: reference.ComplexRef): reference.ComplexRef {
  return { re: permute(re, [1, 0, 2]), im: permute(im, [1, 0, 2]) };
}
