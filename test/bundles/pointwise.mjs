import { add, Device, mul, relu, tensor } from '@mudpt/tensor/functions';

const device = await Device.open();
console.log(await relu(add(mul(tensor([-3, 1, 2]), 2), 1)).array());
device.dispose();
