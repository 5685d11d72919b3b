/** `pnpm example NAME [--steps N]`: runs a program of this folder in Node. */
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Device } from '@mudpt/tensor';

const { positionals, values } = parseArgs({ allowPositionals: true, options: { steps: { type: 'string' } } });
const names = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'main.ts' && file !== 'page.ts')
  .map((file) => file.slice(0, -3));
const [name = ''] = positionals;
if (!names.includes(name)) {
  console.error(`pnpm example NAME [--steps N], NAME one of: ${names.join(', ')}`);
  process.exit(2);
}
const { default: program } = (await import(`./${name}.ts`)) as {
  default: (device: Device, options: { readonly steps?: number }) => Promise<unknown>;
};
const device = await Device.open();
await program(device, values.steps === undefined ? {} : { steps: Number(values.steps) });
device.dispose();
