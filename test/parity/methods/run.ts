/** Runs a golden of a method and compares every tensor it expects. */
import { type Device, scope, Tensor } from '@mudpt/tensor';
import { type Comparison, compare, missing } from '../compare.ts';
import type { HostTensor } from '../golden.ts';
import { Unsupported } from '../options.ts';
import type { FileResult } from '../report.ts';
import { openMethodCase } from './case.ts';
import { runnerOf } from './registry.ts';

/** A float64 implementation agrees with the goldens to 4e-6; the smallest of 20 mistakes moved the logits by 1.2e-3. */
const TOLERANCE = 1e-4;
const LEARNING_TOLERANCE = 1e-3;

/** Gradients, and what steps lead to, are compared by norm less strictly. */
function toleranceOf(name: string): number {
  return /^(\w+\.)?(grad(_\w+)?|final|gpa|adam)\.|^(\w+\.)?expect\.final_/.test(name) ? LEARNING_TOLERANCE : TOLERANCE;
}

/** Runs the golden at `path`. @throws Unsupported for an unknown method, before a device is opened */
export async function runMethodFile(path: string, method: string, open: () => Promise<Device>): Promise<FileResult> {
  const runner = runnerOf(method);
  if (!runner) throw new Unsupported(`the method ${method} is not known`);
  const golden = await openMethodCase(path, await open());
  using _clip = golden.clip;
  const computed = await scope(async () => {
    const read = new Map<string, HostTensor>();
    for (const [name, value] of await runner(golden)) read.set(name, await onHost(value));
    return read;
  });
  // A runner may derive initial values by itself; then they are compared too.
  const derived = [...computed.keys()].filter((name) => name.startsWith('init.') && golden.tensors.has(name));
  const tensors = [...golden.expected(), ...derived].map((name): Comparison => {
    const actual = computed.get(name);
    if (!actual) return missing(name, 'was not computed');
    return compare(name, actual, golden.host(name), toleranceOf(name));
  });
  const unasked = [...computed.keys()].filter((name) => !golden.tensors.has(name));
  if (unasked.length > 0) throw new Error(`${method} computed ${unasked.join(', ')}, which the file does not have`);
  return {
    path,
    cases: [{ name: method, tensors: tensors.length > 0 ? tensors : [missing('expect', 'the file expects nothing')] }],
  };
}

async function onHost(value: Tensor | HostTensor): Promise<HostTensor> {
  if (!(value instanceof Tensor)) return value;
  const values = await value.data();
  return { shape: value.shape, values: values instanceof Int32Array ? values : Float32Array.from(values) };
}
