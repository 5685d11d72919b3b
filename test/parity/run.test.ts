/** The runner on a device, with stand-ins for operations: what arrives there, what comes back, and what failure looks like. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contiguousCopy, serializeSafetensors, ShapeError, type TensorToWrite } from '@mudpt/tensor';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { type Operations, tensorOperations } from './engine.ts';
import { hasPassed } from './report.ts';
import { runFile } from './run.ts';

const f32 = (...values: number[]): TensorToWrite => ({ dtype: 'F32', shape: [values.length], data: Float32Array.from(values) });

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parity-run-'));
  path = join(folder, 'unary.safetensors');
  const tensors = {
    'same.in.x': f32(1, 2, 3),
    'same.cot': f32(5, 6, 7),
    'same.out': f32(1, 2, 3),
    'same.grad.x': f32(5, 6, 7),
    'other.in.x': f32(1, 2),
    'other.out': f32(1, 2.5),
  };
  const options = { function: 'relu' };
  const cases = JSON.stringify([
    { name: 'same', options },
    { name: 'other', options },
  ]);
  await writeFile(path, serializeSafetensors(tensors, { metadata: { op: 'unary', cases } }));
});
afterAll(() => rm(folder, { recursive: true }));

/** relu of positive numbers is a copy. */
const operations: Operations = { ...tensorOperations, relu: (x) => contiguousCopy(x) };

eachDevice('runFile', (ctx) => {
  it('compares outputs, and names gradients that nobody computes', async () => {
    const result = await runFile(path, ctx.device, { operations });
    expect(result.cases).toEqual([
      {
        name: 'same',
        tensors: [
          { tensor: 'grad.x', error: undefined, passed: false, note: 'gradients are not supported yet' },
          { tensor: 'out', error: 0, passed: true, note: undefined },
        ],
      },
      {
        name: 'other',
        tensors: [
          expect.objectContaining({
            tensor: 'out',
            passed: false,
            note: expect.stringContaining('element 1 is 2, 2.5 is expected'),
          }),
        ],
      },
    ]);
    expect(hasPassed(result)).toBe(false);
  });

  it('takes gradients from what is plugged in', async () => {
    const result = await runFile(path, ctx.device, {
      operations,
      differentiate: (compute, inputs, cotangent) => {
        expect([...inputs.keys()]).toEqual(['x']);
        return { out: compute(), gradients: new Map([['x', contiguousCopy(cotangent)]]) };
      },
    });
    expect(result.cases[0]?.tensors).toEqual([
      { tensor: 'grad.x', error: 0, passed: true, note: undefined },
      { tensor: 'out', error: 0, passed: true, note: undefined },
    ]);
  });

  it('an operation that throws fails its case alone', async () => {
    let calls = 0;
    const relu: Operations['relu'] = (x) => {
      calls += 1;
      if (calls === 1) throw new ShapeError('relu', 'no', 'do not');
      return contiguousCopy(x);
    };
    const { cases } = await runFile(path, ctx.device, { operations: { ...operations, relu } });
    expect(cases[0]?.tensors[1]).toMatchObject({ tensor: 'out', passed: false, note: 'relu: no. Do not.' });
    expect(cases[1]?.tensors[0]).toMatchObject({ tensor: 'out', note: expect.stringContaining('2.5 is expected') });
  });

  it('a file that cannot be read is a result, not a crash', async () => {
    expect(await runFile(join(folder, 'none'), ctx.device, {})).toMatchObject({
      cases: [],
      problem: expect.stringContaining('ENOENT'),
    });
  });
});
