/** Whole graphs, imported: CLIP's image tower equals our own, a residual network a reference in double precision. */
import { expect, it } from 'vitest';
import { randomFrom } from '@mudpt/autograd';
import { type ClipConfig, clipFromTensors, randomWeights } from '@mudpt/clip';
import { loadOnnx } from '@mudpt/onnx';
import { scope, type Tensor, tensor } from '@mudpt/tensor';
import { numbers } from '@mudpt/testing/numbers';
import { broadcastIndex, build, get, map, type Ref, ref, reshape } from '@mudpt/testing/reference/array';
import { expectNormClose } from '@mudpt/testing/reference/compare';
import { conv2d, maxPool2d } from '@mudpt/testing/reference/conv';
import { linear } from '@mudpt/testing/reference/matmul';
import { mean } from '@mudpt/testing/reference/reduce';
import { eachDevice } from '@mudpt/testing/support';
import { convnetModel } from './convnet.ts';
import { imageTowerModel } from './image-tower.ts';

const tower = { width: 32, heads: 2, layers: 2, hidden: 64, activation: 'quick_gelu', eps: 1e-5 } as const;
const CONFIG: ClipConfig = {
  embed: 16,
  image: { ...tower, size: 16, patch: 8 },
  text: { ...tower, context: 8, vocabulary: 16 },
};

/** The network of convnet.ts. */
function convnetReference(images: Ref, weights: ReadonlyMap<string, Ref>): Ref {
  const weight = (name: string): Ref => weights.get(name) as Ref;
  const norm = (x: Ref, name: string): Ref => {
    const [scale, bias, center, variance] = ['weight', 'bias', 'mean', 'variance'].map((part) => weight(`${name}.${part}`).data) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    return build(x.shape, (index) => {
      const c = index[1] ?? 0;
      return ((get(x, index) - center[c]!) / Math.sqrt(variance[c]! + 1e-5)) * scale[c]! + bias[c]!;
    });
  };
  const relu = (x: Ref): Ref => map(x, (value) => Math.max(0, value));
  const add = (a: Ref, b: Ref): Ref => build(a.shape, (index) => get(a, index) + get(b, broadcastIndex(index, b.shape)));
  const block = (x: Ref, name: string, stride: number): Ref => {
    const first = relu(norm(conv2d(x, weight(`${name}.conv1.weight`), { stride, padding: 1 }), `${name}.bn1`));
    const second = norm(conv2d(first, weight(`${name}.conv2.weight`), { padding: 1 }), `${name}.bn2`);
    return relu(add(second, stride === 1 ? x : norm(conv2d(x, weight(`${name}.down.weight`), { stride }), `${name}.bn3`)));
  };
  const stem = relu(norm(conv2d(images, weight('stem.weight'), { padding: 1 }), 'stem.bn'));
  const features = block(block(maxPool2d(stem, 3, { stride: 2, padding: 1 }).out, 'block1', 1), 'block2', 2);
  const pooled = mean(features, { axes: [2, 3] });
  return linear(reshape(pooled, [features.shape[0]!, features.shape[1]!]), weight('head.weight'), { bias: weight('head.bias') }).out;
}

eachDevice('imported graphs', (ctx) => {
  it("CLIP's image tower equals our own", async () => {
    const weights = randomWeights(CONFIG, randomFrom(3));
    const clip = clipFromTensors(CONFIG, weights, { device: ctx.device });
    const read = (name: string): Float32Array => weights[name]?.data as Float32Array;
    using model = await loadOnnx(ctx.device, imageTowerModel(CONFIG.image, CONFIG.embed, 2, read));
    const shape = [2, 3, 16, 16];
    using images = tensor(numbers(2 * 3 * 16 * 16, 4), { shape, device: ctx.device });
    using ours = scope(() => clip.image.forward(images) as Tensor);
    const [features] = Object.values(await model.run({ images })) as [Tensor];
    expectNormClose({ shape: features.shape, data: await features.data() }, { shape: ours.shape, data: await ours.data() }, 1e-4);
    features.dispose();
    clip.dispose();
  });

  it('a residual network equals its reference, run and replayed', async () => {
    const weights = new Map<string, Ref>();
    const bytes = convnetModel({ batch: 1, size: 8, width: 4, classes: 3 }, (name, shape) => {
      const count = shape.reduce((product, size) => product * size, 1);
      const drawn = numbers(count, weights.size + 1);
      const data = name.endsWith('variance') ? drawn.map((value) => 1 + 0.5 * value) : drawn;
      weights.set(name, ref(shape, data));
      return data;
    });
    const images = numbers(3 * 8 * 8, 99);
    const expected = convnetReference(ref([1, 3, 8, 8], images), weights);
    using model = await loadOnnx(ctx.device, bytes);
    const [logits] = Object.values(await model.run({ images })) as [Tensor];
    const data = await logits.data();
    expectNormClose({ shape: logits.shape, data }, expected, 1e-4);
    logits.dispose();
    using step = model.capture();
    const [replayed] = Object.values(step({ images: model.hostInput('images', images, [1, 3, 8, 8]) })) as [Tensor];
    expect(await replayed.data()).toEqual(data);
  });
});
