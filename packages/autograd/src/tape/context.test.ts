/** Tapes, seeds and bodies that await: right in Node, refused by name in a page; a body that cannot be asynchronous is refused in both. */
import { expect, it } from 'vitest';
import { type Device, scope, square, sum, tensor, type Tensor } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { checkpoint, currentTape, nextStream, noGrad, parameter, Tape, lossAndGradients, withSeed } from '../index.ts';

const isPage = 'document' in globalThis;
const later = (): Promise<void> => new Promise((done) => void setTimeout(done, 1));
const refused = /its body is asynchronous/;

const param = (value: number, device: Device): Tensor => parameter(tensor([value], { device }));

eachDevice('ambient context', (ctx) => {
  it('tapes closed out of order leave none listening, and each records its time', async () => {
    using x = param(3, ctx.device);
    const [first, second] = [new Tape(), new Tape()];
    first.dispose();
    using loss = scope(() => sum(square(x)));
    using gradients = second.backward(loss);
    expect(await gradients.of(x).data()).toEqual(Float32Array.of(6));
    second.dispose();
    using after = square(x);
    expect([first.length, second.length, currentTape()]).toEqual([0, 0, undefined]);
    expect(after.isDisposed).toBe(false);
  });

  it('the outer tape goes on after the inner one', async () => {
    using x = param(3, ctx.device);
    using tape = new Tape();
    const inner = new Tape();
    expect(currentTape()).toBe(inner);
    inner.dispose();
    expect(currentTape()).toBe(tape);
    using loss = scope(() => sum(square(x)));
    using gradients = tape.backward(loss);
    expect(await gradients.of(x).data()).toEqual(Float32Array.of(6));
  });

  it('record ends with its body, by an error too', () => {
    using x = param(3, ctx.device);
    using tape = new Tape({ listen: false });
    using unseen = square(x);
    expect([unseen.size, tape.length]).toEqual([1, 0]);
    tape.record(() => square(x)).dispose();
    expect(tape.length).toBe(1);
    expect(() =>
      tape.record(() => {
        throw new Error('boom');
      }),
    ).toThrow('boom');
    expect(currentTape()).toBeUndefined();
  });

  it.skipIf(isPage)('follows await: tape, noGrad and seed of overlapping bodies', async () => {
    using x = param(3, ctx.device);
    const slope = async (factor: number): Promise<number | undefined> => {
      using tape = new Tape({ listen: false });
      const loss = await tape.record(async () => {
        await later();
        using silent = await noGrad(async () => {
          await later();
          return square(x);
        });
        expect(silent.size).toBe(1);
        return scope(() => sum(square(x)).mul(factor));
      });
      expect(tape.length).toBe(3);
      using gradients = tape.backward(loss);
      loss.dispose();
      return (await gradients.of(x).data())[0];
    };
    expect(await Promise.all([slope(1), slope(10)])).toEqual([6, 60]);
    const draw = async (seed: number) =>
      await withSeed(seed, async () => {
        await later();
        const first = nextStream('test');
        await later();
        return [first, nextStream('test')];
      });
    const streams = (seed: number) => [0, 1].map((stream) => ({ seed, stream }));
    expect(await Promise.all([draw(1), draw(2)])).toEqual([streams(1), streams(2)]);
    expect(() => nextStream('test')).toThrow(/no source of randomness/);
  });

  it.skipIf(isPage)('a tape opened in an asynchronous function does not listen after it', async () => {
    using x = param(2, ctx.device);
    const gradient = async (): Promise<number | undefined> => {
      using tape = new Tape();
      await later();
      using loss = scope(() => sum(square(x)));
      await later();
      using gradients = tape.backward(loss);
      return (await gradients.of(x).data())[0];
    };
    expect(await Promise.all([gradient(), gradient()])).toEqual([4, 4]);
    expect(currentTape()).toBeUndefined();
  });

  it.runIf(isPage)('a page refuses asynchronous bodies of noGrad, withSeed and record by name', async () => {
    using tape = new Tape({ listen: false });
    expect(() => noGrad(later)).toThrow(/^noGrad: its body is asynchronous/);
    expect(() => withSeed(1, later)).toThrow(/^withSeed: its body is asynchronous/);
    expect(() => tape.record(later)).toThrow(/^record: its body is asynchronous/);
    expect(currentTape()).toBeUndefined();
    await later();
  });

  it('asynchronous bodies of lossAndGradients and checkpoint are one named error, without a rejection left over', async () => {
    using x = param(3, ctx.device);
    const body = async (): Promise<Tensor> => {
      await later();
      throw new Error('dropped: the error takes its place');
    };
    expect(() => lossAndGradients(body as never)).toThrow(/^lossAndGradients: its body is asynchronous/);
    const late = async (): Promise<Tensor> => {
      await later();
      return square(x);
    };
    expect(() => lossAndGradients(late as never)).toThrow(refused);
    expect(() => lossAndGradients(() => checkpoint(body as unknown as (t: Tensor) => Tensor)(x))).toThrow(refused);
    expect(() => lossAndGradients((() => 3) as never)).toThrow(/^lossAndGradients: the body returned no loss/);
    await later();
    await later();
    expect(currentTape()).toBeUndefined();
  });
});
