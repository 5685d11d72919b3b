import { jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';

export function program(weights, { x, y, lr, width, heads, layers, vocabulary }) {
  const [batch, tokens] = x.shape;
  const linear = (x, w, b) => np.matmul(x, np.transpose(w)).add(b);
  const norm = (x, w, b) => nn.standardize(x, -1, { epsilon: 1e-5 }).mul(w).add(b);
  const loss = (p, x, y) => {
    let h = np.matmul(nn.oneHot(x, vocabulary), p.token).add(p.position);
    for (let k = 0; k < layers; k += 1) {
      const of = (name) => p[`h${k}_${name}`];
      const qkv = linear(norm(h.ref, of('norm1'), of('norm1_b')), of('qkv'), of('qkv_b'));
      const [q, k_, v] = np.split(qkv, 3, -1).map((one) => one.reshape([batch, tokens, heads, width / heads]));
      const attended = nn.dotProductAttention(q, k_, v, { isCausal: true }).reshape([batch, tokens, width]);
      h = h.add(linear(attended, of('out'), of('out_b')));
      const hidden = nn.relu(linear(norm(h.ref, of('norm2'), of('norm2_b')), of('up'), of('up_b')));
      h = h.add(linear(hidden, of('down'), of('down_b')));
    }
    const logits = np.matmul(norm(h, p.last_norm, p.last_b), np.transpose(p.head)).reshape([-1, vocabulary]);
    return np.sum(nn.logSoftmax(logits, -1).mul(nn.oneHot(y, vocabulary))).mul(-1 / (batch * tokens));
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
