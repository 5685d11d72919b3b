import * as tf from '@tensorflow/tfjs';

// Images [N, H, W, C] and filters [H, W, in, out], the only layout whose gradient tfjs has; features are brought into the others' order.
export function program({ c1, d1, c2, d2, w, b }, { x, y, lr }) {
  const images = tf.transpose(x, [0, 2, 3, 1]);
  const labels = tf.oneHot(y, 10);
  const conv = (x, w, b) => {
    const padded = tf.pad(x, [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]);
    return tf.relu(tf.add(tf.conv2d(padded, tf.transpose(w, [2, 3, 1, 0]), 2, 'valid'), b));
  };
  const optimizer = tf.train.sgd(lr);
  const loss = () => {
    const features = tf.transpose(conv(conv(images, c1, d1), c2, d2), [0, 3, 1, 2]);
    const logits = tf.add(tf.matMul(tf.reshape(features, [-1, 784]), w, false, true), b);
    return tf.losses.softmaxCrossEntropy(labels, logits);
  };
  return () => optimizer.minimize(loss, true);
}
