import { crossEntropy, Linear, lossAndGradients, Sequential, SGD } from '@mudpt/autograd/functions';
import { capture, relu } from '@mudpt/tensor/functions';

export function program({ w1, b1, w2, b2 }, { x, y, lr }) {
  const model = new Sequential(
    new Linear(784, 256, { weight: w1, bias: b1 }),
    relu,
    new Linear(256, 10, { weight: w2, bias: b2 }),
  );
  const optimizer = new SGD(model.parameters(), { lr });
  const step = capture(({ x, y }) => {
    const { value, gradients } = lossAndGradients(() => crossEntropy(model.forward(x), y));
    optimizer.step(gradients);
    return value;
  });
  return () => step({ x, y });
}
