import { parameter } from '@mudpt/autograd/functions';
import { Device, tensor } from '@mudpt/tensor/functions';

export async function open() {
  const device = await Device.open();
  const learnt = ({ data, shape }) => parameter(tensor(data, { shape, device }));
  return {
    weights: (all) => Object.fromEntries(Object.entries(all).map(([name, one]) => [name, learnt(one)])),
    floats: ({ data, shape }) => tensor(data, { shape, device }),
    integers: ({ data, shape }) => tensor(data, { shape, device, dtype: 'i32' }),
    read: (loss) => loss.item(),
    finish: () => device.synchronize(),
  };
}
