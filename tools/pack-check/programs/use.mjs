// A number of every package, computed on the adapter and on a thread: what a program prints wherever the packages are installed.
import { grad } from '@mudpt/autograd';
import { createImageLoader, createTokenizer } from '@mudpt/clip';
import { loadOnnx, writeModel } from '@mudpt/onnx';
import { Device, tensor } from '@mudpt/tensor';
import { methodNamed } from 'mudpt/core';

const device = await Device.open();
const x = tensor([[3, 1]]);
const w = tensor([
  [1, -1],
  [2, 0],
]);
// y = x w = [5, -3], and 2 y wᵀ = [16, 20].
const slope = grad((/** @type {import('@mudpt/tensor').Tensor} */ at) => at.matmul(w).square().sum())(x);
console.log('gradient', JSON.stringify(await slope.array()));

const line = writeModel({
  graph: {
    inputs: { x: { type: 'float', shape: ['n', 2] } },
    outputs: { y: { type: 'float', shape: ['n', 1] } },
    initializers: { w: { type: 'float', shape: [2, 1], data: [3, -1] }, b: { type: 'float', shape: [1], data: [0.5] } },
    nodes: [{ op: 'Gemm', inputs: ['x', 'w', 'b'], outputs: ['y'] }],
  },
});
const model = await loadOnnx(device, line);
const { y } = await model.run({ x: [1, 1, 2, 0] });
console.log('onnx', JSON.stringify(await y?.array()));

const loader = createImageLoader({ size: 8, workers: 1 });
console.log('image', (await loader.load('square.png')).length, 'bytes');
await loader.close();
console.log('tokens', (await createTokenizer()).encode('a photo of a cat').join(' '));
console.log('method', methodNamed('mudpt').name);
for (const one of [x, w, slope, y, model, device]) one?.dispose();
