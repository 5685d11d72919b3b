import { blockUntilReady, defaultDevice, init, numpy as np } from '@jax-js/jax';

export async function open() {
  await init('webgpu');
  defaultDevice('webgpu');
  const floats = ({ data, shape }) => np.array(data).reshape(shape);
  return {
    weights: (all) => Object.fromEntries(Object.entries(all).map(([name, one]) => [name, floats(one)])),
    floats,
    integers: ({ data, shape }) => np.array(data, { dtype: np.int32 }).reshape(shape),
    read: async (loss) => (await loss.ref.data())[0],
    finish: (loss) => blockUntilReady(loss),
  };
}
