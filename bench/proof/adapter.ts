/** What the adapter is and offers, as JSON: `adapter.ts OUT`. */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { Device } from '@mudpt/tensor';

const [out] = process.argv.slice(2);
if (!out) throw new Error('usage: adapter.ts OUT');
using device = await Device.open();
const { adapter, gpu, limits } = device;
// Limits are accessors of the prototype, which JSON does not see.
const limitNames = Object.keys(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(limits))) as (keyof GPUSupportedLimits)[];
const facts = {
  ...adapter,
  features: [...gpu.features].sort(),
  limits: Object.fromEntries(limitNames.filter((name) => typeof limits[name] === 'number').map((name) => [name, limits[name]])),
  host: {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    driverFiles: process.env['VK_DRIVER_FILES'] ?? '',
  },
};
writeFileSync(join(out, 'adapter.json'), `${JSON.stringify(facts, undefined, 1)}\n`);
console.log(JSON.stringify(facts, undefined, 1));
