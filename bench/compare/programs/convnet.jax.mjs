import { jit, lax, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';

export function program(weights, { x, y, lr }) {
  const [count] = y.shape;
  const padding = [
    [1, 1],
    [1, 1],
  ];
  const conv = (x, w, b) => nn.relu(lax.convGeneralDilated(x, w, [2, 2], padding).add(b.reshape([1, -1, 1, 1])));
  const loss = ({ c1, d1, c2, d2, w, b }, x, y) => {
    const features = conv(conv(x, c1, d1), c2, d2).reshape([count, 784]);
    const logits = np.matmul(features, np.transpose(w)).add(b);
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
