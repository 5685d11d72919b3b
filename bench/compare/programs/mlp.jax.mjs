import { jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';

export function program(weights, { x, y, lr }) {
  const [count] = y.shape;
  const linear = (x, w, b) => np.matmul(x, np.transpose(w)).add(b);
  const loss = ({ w1, b1, w2, b2 }, x, y) => {
    const logits = linear(nn.relu(linear(x, w1, b1)), w2, b2);
    return np.sum(nn.logSoftmax(logits, -1).mul(nn.oneHot(y, 10))).mul(-1 / count);
  };
  const step = jit((weights, x, y) => {
    const [value, gradients] = valueAndGrad(loss)(tree.ref(weights), x, y);
    return [value, tree.map((w, g) => w.sub(g.mul(lr)), weights, gradients)];
  });
  let current = weights;
  return () => {
    const [value, next] = step(current, x.ref, y.ref);
    current = next;
    return value;
  };
}
