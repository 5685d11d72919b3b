/** Plants one fault: `faults.ts hang|lost`. A proof shows with it that a fault is told and the rest still runs. */
import { Device, empty } from '@mudpt/tensor';
import { kernel } from '@mudpt/tensor/kernels';

/** Ends when an element changes that nobody changes. */
const endless = kernel({
  name: 'planted-hang',
  source: `
@group(0) @binding(0) var<storage, read_write> y: array<atomic<u32>>;

@compute @workgroup_size(1)
fn main() {
  atomicStore(&y[0], 1u);
  while (atomicLoad(&y[0]) == 1u) { atomicStore(&y[1], atomicLoad(&y[1]) + 1u); }
}
`,
});

const [fault] = process.argv.slice(2);
using device = await Device.open();
using y = empty(device, [2], 'u32');
if (fault === 'hang') endless.dispatch(device, { buffers: { y }, grid: [1] });
else if (fault === 'lost') device.gpu.destroy();
else throw new Error(`there is no fault '${fault}' to plant`);
console.log(`planted: ${fault}`);
console.log(await y.data());
