/**
 * A process that runs {@link firstStep}, prints one line of JSON, a {@link Startup}, and stops. The suite `startup` starts it.
 */
import { Device } from '@mudpt/tensor';
import { type FirstStep, firstStep, now } from './first-step.ts';

/** What the process tells; `modules`: when all of them were loaded. */
export type Startup = Pick<FirstStep, 'pipelines'> & { readonly done: FirstStep['done'] & { readonly modules: number } };

const modules = now();
const device = await Device.open();
const { done, pipelines } = await firstStep(device);
device.dispose();
console.log(JSON.stringify({ done: { modules, ...done }, pipelines } satisfies Startup));
