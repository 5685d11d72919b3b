import { conv2d, crossEntropy, linear, lossAndGradients, SGD } from '@mudpt/autograd/functions';
import { capture, flatten, relu } from '@mudpt/tensor/functions';

export function program(weights, { x, y, lr }) {
  const { c1, d1, c2, d2, w, b } = weights;
  const options = { stride: 2, padding: 1 };
  const optimizer = new SGD(Object.values(weights), { lr });
  const forward = (x) => linear(flatten(relu(conv2d(relu(conv2d(x, c1, d1, options)), c2, d2, options)), 1), w, b);
  const step = capture(({ x, y }) => {
    const { value, gradients } = lossAndGradients(() => crossEntropy(forward(x), y));
    optimizer.step(gradients);
    return value;
  });
  return () => step({ x, y });
}
