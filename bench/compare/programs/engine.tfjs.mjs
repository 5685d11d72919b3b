/* oxlint-disable import/no-unassigned-import -- a backend registers itself */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-webgpu';

export async function open() {
  await tf.setBackend('webgpu');
  await tf.ready();
  const backend = tf.backend();
  return {
    weights: (all) =>
      Object.fromEntries(Object.entries(all).map(([name, { data, shape }]) => [name, tf.variable(tf.tensor(data, shape))])),
    floats: ({ data, shape }) => tf.tensor(data, shape),
    integers: ({ data, shape }) => tf.tensor(data, shape, 'int32'),
    read: async (loss) => (await loss.data())[0],
    finish: async () => {
      if (backend.commandEncoder) {
        backend.endComputePassEncoder();
        backend.submitQueue();
      }
      await backend.queue.onSubmittedWorkDone();
    },
  };
}
