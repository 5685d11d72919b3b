import * as tf from '@tensorflow/tfjs';

export function program({ w1, b1, w2, b2 }, { x, y, lr }) {
  const linear = (x, w, b) => tf.add(tf.matMul(x, w, false, true), b);
  const labels = tf.oneHot(y, 10);
  const optimizer = tf.train.sgd(lr);
  const loss = () => tf.losses.softmaxCrossEntropy(labels, linear(tf.relu(linear(x, w1, b1)), w2, b2));
  return () => optimizer.minimize(loss, true);
}
