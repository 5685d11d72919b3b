import { add, Device, matmul, sum, tensor } from '@mudpt/tensor';

const device = await Device.open();
const a = tensor([
  [1, 2],
  [3, 4],
]);
console.log(await sum(add(matmul(a, a), 1)).item());
device.dispose();
