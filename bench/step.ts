/** `pnpm bench:step [LAYERS] [WIDTH] [TOKENS] [SAMPLES]`: the host's part of a training step. Run it on a machine that does nothing else. */
import { Device } from '@mudpt/tensor';
import { describeStep, stepBench } from './suites/step.ts';

const [layers = 12, width = 64, tokens = 16, samples = 40] = process.argv.slice(2).map(Number);
using device = await Device.open();
console.log(`${device.adapter.name}: ${layers} frozen blocks, width ${width}, ${tokens} tokens`);
for (const line of describeStep(await stepBench(device, { layers, width, tokens, samples }))) console.log(line);
