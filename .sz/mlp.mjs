import { AdamW, crossEntropy, Linear, lossAndGradients, randomFrom, Sequential } from '@mudpt/autograd';
import { capture, Device, relu, tensor } from '@mudpt/tensor';

const device = await Device.open();
const random = randomFrom(7);
const model = new Sequential(new Linear(2, 16, { random }), relu, new Linear(16, 2, { random }));
const optimizer = new AdamW(model.parameters(), { lr: 0.05 });
/** @typedef {import('@mudpt/tensor').Tensor} Tensor */
const step = capture((/** @type {{ x: Tensor, y: Tensor }} */ { x, y }) => {
  const { value, gradients } = lossAndGradients(() => crossEntropy(model.forward(x), y));
  optimizer.step(gradients);
  return value;
});
const x = tensor([0, 0, 0, 1, 1, 0, 1, 1], { shape: [4, 2] });
const y = tensor([0, 1, 1, 0], { dtype: 'i32' });
const first = await step({ x, y }).item();
for (let k = 0; k < 98; k += 1) step({ x, y });
console.log(`loss ${first.toFixed(2)} to ${(await step({ x, y }).item()).toFixed(2)}`);
device.dispose();
