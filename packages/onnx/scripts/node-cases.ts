/**
 * `pnpm onnx:cases FOLDER`: runs ONNX's backend node tests, as node-cases.py wrote them into FOLDER, and writes into the README how many pass and
 * why the others do not. `--only REGEXP` runs some and writes nothing.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Device, type Tensor } from '@mudpt/tensor';
import { readTensor } from '../src/format/read-tensor.ts';
import { constantOf } from '../src/host/constant.ts';
import type { HostTensor } from '../src/host/tensor.ts';
import { loadOnnx, type ModelInput } from '../src/index.ts';
import { type CaseResult, caseTable, withCases } from '../test/node-cases.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } });
const [folder] = positionals;
if (!folder || !existsSync(join(folder, 'cases.txt')))
  throw new Error('give the folder that node-cases.py wrote: pnpm onnx:cases FOLDER');
const only = new RegExp(values.only ?? '.');

/** Tensors of a case by the names of the graph's inputs or outputs. */
function tensorsOf(path: string, kind: 'in' | 'out'): Map<string, HostTensor> {
  const found = new Map<string, HostTensor>();
  for (let index = 0; ; index += 1) {
    const file = join(path, `${kind}_${index}.pb`);
    if (!existsSync(file)) return found;
    const proto = readTensor(new Uint8Array(readFileSync(file)), file);
    found.set(proto.name, constantOf(proto, file, new Map()));
  }
}

/** The first number that is further from the expected one than ONNX allows, f32 and f16 can tell. */
function difference(
  name: string,
  got: ArrayLike<number>,
  { type, data }: HostTensor,
  rtol: number,
  atol: number,
): string | undefined {
  const isHalf = type === 'float16' || type === 'bfloat16';
  const [relative, absolute] = [Math.max(rtol, isHalf ? 1e-2 : 1e-4), Math.max(atol, isHalf ? 2e-3 : 1e-6)];
  for (let index = 0; index < data.length; index += 1) {
    const [a, b] = [Number(got[index]), Number(data[index])];
    if (Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    if (!(Math.abs(a - b) <= absolute + relative * Math.abs(b))) return `${name}[${index}] is ${a}, and ${b} is expected`;
  }
  return undefined;
}

async function outcome(device: Device, path: string): Promise<CaseResult> {
  const model = await loadOnnx(device, new Uint8Array(readFileSync(join(path, 'model.onnx'))));
  try {
    const given = tensorsOf(path, 'in');
    const inputs = Object.fromEntries(
      model.inputs.flatMap(({ name }): [string, ModelInput][] => {
        const value = given.get(name);
        return value ? [[name, { data: value.data, shape: value.shape }]] : [];
      }),
    );
    const [rtol = 0, atol = 0] = readFileSync(join(path, 'tolerance.txt'), 'utf8').split(' ').map(Number);
    const outputs = await model.run(inputs);
    try {
      for (const [name, expected] of tensorsOf(path, 'out')) {
        const output: Tensor | undefined = outputs[name];
        if (!output) return { kind: 'wrong', text: `there is no output ${name}` };
        if (output.shape.join() !== expected.shape.join())
          return { kind: 'wrong', text: `${name} has shape [${output.shape}], and [${expected.shape}] is expected` };
        const text = difference(name, await output.data(), expected, rtol, atol);
        if (text) return { kind: 'wrong', text };
      }
      return { kind: 'passed' };
    } finally {
      for (const output of Object.values(outputs)) output.dispose();
    }
  } finally {
    model.dispose();
  }
}

const device = await Device.open({ tuning: 'none' });
const results = new Map<string, CaseResult>();
for (const name of readdirSync(folder).toSorted()) {
  const path = join(folder, name);
  if (!only.test(name) || !existsSync(join(path, 'model.onnx'))) continue;
  try {
    results.set(name, await outcome(device, path));
  } catch (error) {
    results.set(name, { kind: 'refused', text: error instanceof Error ? error.message : String(error) });
    await device.settle();
  }
}
device.dispose();

for (const [name, result] of results)
  if (result.kind !== 'passed') console.log(`${result.kind}  ${name}: ${result.text.replaceAll('\n', ' ').slice(0, 200)}`);
const [version = '', all = '0', others = '0'] = readFileSync(join(folder, 'cases.txt'), 'utf8').trim().split(' ');
const table = caseTable(version, Number(all), Number(others), results);
console.log(`\n${table}`);
if (values.only === undefined) {
  const page = new URL('../README.md', import.meta.url);
  writeFileSync(page, withCases(readFileSync(page, 'utf8'), table));
}
