import * as tf from '@tensorflow/tfjs';

export function program(weights, { x, y, lr, width, heads, layers, vocabulary }) {
  const [batch, tokens] = x.shape;
  const depth = width / heads;
  const inputs = tf.reshape(tf.oneHot(x, vocabulary), [-1, vocabulary]);
  const labels = tf.oneHot(y, vocabulary);
  const mask = tf.tensor(
    Float32Array.from({ length: tokens * tokens }, (_, i) => (i % tokens > Math.floor(i / tokens) ? -1e9 : 0)),
    [tokens, tokens],
  );
  const linear = (x, w, b) => tf.add(tf.matMul(x, w, false, true), b);
  const norm = (x, w, b) => {
    const { mean, variance } = tf.moments(x, -1, true);
    return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), w), b);
  };
  const attention = (x) => {
    const [q, k, v] = tf.split(x, 3, -1).map((one) => tf.transpose(tf.reshape(one, [batch, tokens, heads, depth]), [0, 2, 1, 3]));
    const p = tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(depth)), mask));
    return tf.reshape(tf.transpose(tf.matMul(p, v), [0, 2, 1, 3]), [-1, width]);
  };
  const forward = () => {
    const { token, position, last_norm, last_b, head } = weights;
    let h = tf.reshape(tf.add(tf.reshape(tf.matMul(inputs, token), [batch, tokens, width]), position), [-1, width]);
    for (let k = 0; k < layers; k += 1) {
      const of = (name) => weights[`h${k}_${name}`];
      const attended = attention(linear(norm(h, of('norm1'), of('norm1_b')), of('qkv'), of('qkv_b')));
      h = tf.add(h, linear(attended, of('out'), of('out_b')));
      const hidden = tf.relu(linear(norm(h, of('norm2'), of('norm2_b')), of('up'), of('up_b')));
      h = tf.add(h, linear(hidden, of('down'), of('down_b')));
    }
    return tf.matMul(norm(h, last_norm, last_b), head, false, true);
  };
  const optimizer = tf.train.sgd(lr);
  return () => optimizer.minimize(() => tf.losses.softmaxCrossEntropy(labels, forward()), true);
}
