import { expect, it } from 'vitest';
import { add, capture, crossEntropy, tensor, type Tensor } from '@mudpt/tensor';
import {
  AdamW,
  checkpoint,
  Embedding,
  filled,
  LayerNorm,
  Linear,
  Module,
  normal,
  parameter,
  randomFrom,
  Tape,
  TransformerBlock,
  lossAndGradients,
} from '@mudpt/autograd';
import { eachDevice, hasDefaultLimits } from '@mudpt/testing/support';
import { adamw, referenceGradients, type Sizes, type Weights } from '@mudpt/testing/reference/transformer';

const sizes: Sizes = { batch: 2, tokens: 8, width: 64, heads: 4, hidden: 256, layers: 2, vocabulary: 32 };

class Gpt extends Module {
  readonly embedding: Embedding;
  readonly position: Tensor;
  readonly blocks: readonly TransformerBlock[];
  readonly norm: LayerNorm;
  readonly head: Linear;

  constructor(device: ConstructorParameters<typeof TransformerBlock>[0]['device']) {
    super();
    const options = { random: randomFrom(7), ...(device && { device }) };
    this.embedding = new Embedding(sizes.vocabulary, sizes.width, { ...options, deviation: 0.3 });
    this.position = normal([sizes.tokens, sizes.width], 0.1, options);
    const { width, heads, hidden } = sizes;
    this.blocks = Array.from({ length: sizes.layers }, () => new TransformerBlock({ width, heads, hidden, ...options }));
    this.norm = new LayerNorm(sizes.width, options);
    this.head = new Linear(sizes.width, sizes.vocabulary, options);
  }

  loss(ids: Tensor, labels: Tensor, isCheckpointed = false): Tensor {
    using embedded = this.embedding.forward(ids);
    let x = add(embedded, this.position);
    for (const block of this.blocks) {
      using before = x;
      const run = (h: Tensor): Tensor => block.forward(h, { causal: true });
      x = isCheckpointed ? checkpoint(run)(before) : run(before);
    }
    using last = x;
    using normed = this.norm.forward(last);
    using logits = this.head.forward(normed);
    return crossEntropy(logits, labels);
  }
}

const ids = Array.from({ length: sizes.batch * sizes.tokens }, (_, i) => (i * 7 + (i % 3)) % sizes.vocabulary);
const labels = ids.map((_, i) => (i * 5 + 2) % sizes.vocabulary);
const STEPS = 50;
const [LR, DECAY] = [1e-3, 0.01];

eachDevice('transformer', (ctx) => {
  const data = (values: number[]): Tensor =>
    tensor(values, { shape: [sizes.batch, sizes.tokens], dtype: 'i32', device: ctx.device });

  it('learns as the f64 reference does; captured and checkpointed runs agree to the bit', async ({ skip }) => {
    skip(hasDefaultLimits, 'the gradients below show the kernels that these limits leave');
    const train = async (mode: 'plain' | 'captured' | 'checkpointed', steps: number): Promise<number[]> => {
      using model = new Gpt(ctx.device);
      using optimizer = new AdamW(model.parameters(), { lr: LR, weightDecay: DECAY });
      using x = data(ids);
      using y = data(labels);
      const body = (inputs: { x: Tensor; y: Tensor }): Tensor => {
        const { value, gradients } = lossAndGradients(() => model.loss(inputs.x, inputs.y, mode === 'checkpointed'));
        optimizer.step(gradients);
        gradients.dispose();
        return value;
      };
      using captured = capture(body, { device: ctx.device });
      const losses: number[] = [];
      for (let step = 0; step < steps; step += 1) {
        const loss = mode === 'captured' ? captured({ x, y }) : body({ x, y });
        losses.push(await loss.item());
        if (mode !== 'captured') loss.dispose();
      }
      return losses;
    };
    const reference: Weights = new Map();
    {
      using model = new Gpt(ctx.device);
      for (const [name, t] of model.namedTensors()) reference.set(name, Float64Array.from(await t.data()));
    }
    const state = new Map<string, [Float64Array, Float64Array]>();
    const expected = Array.from({ length: STEPS }, (_, step) => {
      const { loss, gradients } = referenceGradients(reference, ids, labels, sizes);
      adamw(reference, gradients, state, step + 1, LR, DECAY);
      return loss;
    });
    const captured = await train('captured', STEPS);
    const worst = Math.max(...captured.map((loss, i) => Math.abs(loss - expected[i]!) / expected[i]!));
    expect(worst).toBeLessThan(1e-3);
    expect(expected[STEPS - 1]).toBeLessThan(expected[0]! / 3);
    expect(await train('plain', 4)).toEqual(captured.slice(0, 4));
    expect(await train('checkpointed', 4)).toEqual(captured.slice(0, 4));
  }, 300_000);

  it('gives every gradient of the f64 reference', async () => {
    using model = new Gpt(ctx.device);
    using x = data(ids);
    using y = data(labels);
    const weights: Weights = new Map();
    for (const [name, t] of model.namedTensors()) weights.set(name, Float64Array.from(await t.data()));
    const expected = referenceGradients(weights, ids, labels, sizes).gradients;
    const { value, gradients } = lossAndGradients(() => model.loss(x, y));
    value.dispose();
    for (const [name, t] of model.namedTensors()) {
      const actual = await gradients.of(t).data();
      const want = expected.get(name)!;
      const size = Math.hypot(...want.subarray(0, 4096));
      const gap = Math.hypot(...want.subarray(0, 4096).map((v, i) => v - actual[i]!));
      expect(gap / Math.max(size, 1e-6), name).toBeLessThan(1e-4);
    }
    gradients.dispose();
  });

  it('runs no weight gradient through frozen weights: 7 kernels forward, 9 backward, and memory as saved', async () => {
    using block = new TransformerBlock({
      width: 64,
      heads: 4,
      activation: 'quickGelu',
      device: ctx.device,
      random: randomFrom(1),
    }).freeze();
    using x = parameter(tensor(new Float32Array(2 * 8 * 64).fill(0.1), { shape: [2, 8, 64], device: ctx.device }));
    using forward = capture(({ input }: { input: Tensor }) => block.forward(input), { device: ctx.device });
    forward({ input: x });
    const forwardSteps = forward.plans[0]?.steps ?? [];
    expect(forwardSteps.length, forwardSteps.join('\n')).toBeLessThanOrEqual(7);
    const backward = capture(
      ({ input, cotangent }: { input: Tensor; cotangent: Tensor }) => {
        using tape = new Tape();
        tape.watch(input);
        const out = block.forward(input);
        const gradients = tape.backward(out, cotangent);
        expect([...gradients.keys()]).toEqual([input]);
        return gradients.of(input);
      },
      { device: ctx.device },
    );
    using owned = backward;
    const grad = owned({ input: x, cotangent: x });
    expect((await grad.data()).some((v) => v !== 0)).toBe(true);
    const steps = owned.plans[0]?.steps.slice(forwardSteps.length) ?? [];
    expect(steps.length, steps.join('\n')).toBeLessThanOrEqual(9);
    // A product for a weight gradient reads its operands along rows (VA=m); parameters of norms and biases have kernels of their own.
    expect(steps.filter((step) => /norm\.parameters|gemm\.columns/.test(step))).toEqual([]);
    const products = steps.filter((step) => step.startsWith('gemm'));
    expect(products.length, products.join('\n')).toBeLessThanOrEqual(5);
    expect(products.filter((step) => step.includes('VA=m'))).toEqual([]);

    using learnt = filled([1], 0, { device: ctx.device });
    expect(block.parameters()).not.toContain(learnt);
    using tape = new Tape();
    const before = ctx.device.memory().liveBytes;
    using out = block.forward(x);
    const grown = ctx.device.memory().liveBytes - before;
    const [rows, width, hidden] = [16, 64, 256];
    // Both norms keep their input (x is alive anyway) and four numbers a row; attention its projection, result and one number a row and head;
    // the activation its input; then there is the result. Weights are shared.
    const explained =
      4 * (rows * width + 2 * 4 * rows + 3 * rows * width + rows * width + rows * 4 + rows * hidden + rows * width);
    expect(grown).toBe(explained);
    expect(tape.length).toBeGreaterThan(6);
    expect(out.isDisposed).toBe(false);
  });
});
