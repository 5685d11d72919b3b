import { expect, it } from 'vitest';
import { capture, crossEntropy, l2Normalize, matmul, scope, split, tensor, type Tensor, transpose } from '@mudpt/tensor';
import { random, toF32 } from '@mudpt/testing/reference/inputs';
import { expectNormClose } from '@mudpt/testing/reference/compare';
import { eachDevice } from '@mudpt/testing/support';
import { chunked, Linear, Module, parameter, randomFrom, Tape, lossAndGradients } from '../index.ts';

const [ROWS, WIDTH, HIDDEN, CHUNK] = [50, 6, 64, 7];

class Encoder extends Module {
  readonly up: Linear;
  readonly down: Linear;

  constructor(options: ConstructorParameters<typeof Linear>[2] = {}) {
    super();
    this.up = new Linear(WIDTH, HIDDEN, options);
    this.down = new Linear(HIDDEN, 4, options);
  }

  forward(x: Tensor, shift: Tensor): Tensor {
    return scope(() => l2Normalize(this.down.forward(this.up.forward(x.add(shift), { activation: 'gelu' }))));
  }
}

eachDevice('chunked', (ctx) => {
  /** A contrastive loss, which reads all rows at once, and its gradients: of weights, of the rows and of a vector that all chunks share. */
  const setUp = () => {
    const { device } = ctx;
    const encoder = new Encoder({ device, random: randomFrom(3) });
    const x = parameter(tensor(toF32(random([ROWS, WIDTH], 1)), { shape: [ROWS, WIDTH], device }));
    const shift = parameter(tensor(toF32(random([WIDTH], 2)), { device }));
    const labels = tensor(
      Array.from({ length: ROWS }, (_, i) => (i + 1) % ROWS),
      { dtype: 'i32', device },
    );
    const run = (rows: Tensor, by: Tensor): Tensor => encoder.forward(rows, by);
    /** The shared vector is an intermediate result that the caller disposes right after its use. */
    const lossOf = (features: (rows: Tensor, by: Tensor) => Tensor) =>
      lossAndGradients(() => {
        using by = shift.mul(2);
        using all = features(x, by);
        using other = transpose(all, 0, 1);
        using logits = matmul(all, other, { alpha: 5 });
        return crossEntropy(logits, labels);
      });
    const inChunks = (rows: Tensor, by: Tensor): Tensor => {
      const parts = split(rows, CHUNK);
      const features = chunked(
        run,
        parts.map((part) => [part, by] as const),
      );
      for (const part of parts) part.dispose();
      return features;
    };
    const parameters = [x, shift, ...encoder.parameters()];
    const dispose = (): void => {
      for (const t of [...parameters, labels]) t.dispose();
    };
    return { run, lossOf, inChunks, parameters, [Symbol.dispose]: dispose };
  };
  type Result = ReturnType<ReturnType<typeof setUp>['lossOf']>;
  const read = async ({ value, gradients }: Result, parameters: readonly Tensor[]) =>
    await Promise.all([value, ...parameters.map((p) => gradients.of(p))].map((t) => t.data()));

  it('has the gradient of one pass, eager and captured', async () => {
    using set = setUp();
    const whole = set.lossOf(set.run);
    const pieces = set.lossOf(set.inChunks);
    const [expected, actual] = [await read(whole, set.parameters), await read(pieces, set.parameters)];
    for (const [i, want] of expected.entries()) {
      const data = Float64Array.from(want);
      expectNormClose({ shape: [data.length], data: actual[i]! }, { shape: [data.length], data }, 1e-5, `result ${i}`);
    }
    for (const { value, gradients } of [whole, pieces]) {
      value.dispose();
      gradients.dispose();
    }
    using captured = capture(() => set.lossOf(set.inChunks), { device: ctx.device });
    captured({});
    expect(await read(captured({}), set.parameters)).toEqual(actual);
  });

  it('keeps no intermediate of a chunk, and plans memory for one chunk', () => {
    using set = setUp();
    const [x, shift] = set.parameters as [Tensor, Tensor];
    const savedBy = (features: typeof set.run): number => {
      using tape = new Tape();
      features(x, shift).dispose();
      return tape.savedBytes;
    };
    // One pass keeps the hidden activations; chunks keep their arguments, which are alive anyway.
    expect(savedBy(set.run)).toBeGreaterThan(4 * ROWS * HIDDEN);
    expect(savedBy(set.inChunks)).toBe(4 * (ROWS * WIDTH + WIDTH));
    using whole = capture(() => set.lossOf(set.run), { device: ctx.device });
    using pieces = capture(() => set.lossOf(set.inChunks), { device: ctx.device });
    whole({});
    pieces({});
    expect(pieces.plans[0]?.bytes.planned).toBeLessThan(whole.plans[0]!.bytes.planned);
  });

  it('runs without a tape too, and says what is wrong', async () => {
    using set = setUp();
    const [x, shift] = set.parameters as [Tensor, Tensor];
    using whole = set.run(x, shift);
    using pieces = set.inChunks(x, shift);
    expect(pieces.shape).toEqual(whole.shape);
    const [a, b] = [await whole.data(), await pieces.data()];
    expect(Math.max(...a.map((v, i) => Math.abs(v - b[i]!)))).toBeLessThan(1e-6);
    expect(() => chunked(set.run, [])).toThrow(/cat/);
  });
});
