import { openSafetensors, serializeSafetensors, type TensorToWrite } from '@mudpt/tensor';
import { describe, expect, it } from 'vitest';
import { readGolden, tensorsUnder } from './golden.ts';

const f32 = (...values: number[]): TensorToWrite => ({ dtype: 'F32', shape: [values.length], data: Float32Array.from(values) });

async function read(
  cases: unknown,
  tensors: Record<string, TensorToWrite>,
  metadata: Record<string, string> = { op: 'softmax' },
) {
  const text = typeof cases === 'string' ? cases : JSON.stringify(cases);
  return readGolden(await openSafetensors(serializeSafetensors(tensors, { metadata: { ...metadata, cases: text } })));
}

describe('readGolden', () => {
  it('sorts tensors to their cases, the longest name first', async () => {
    const { op, cases } = await read(
      [
        { name: 'std0', options: { axis: -1 }, f32_vs_f64_max_abs_err: { out: 1e-7, 'grad.x': null } },
        { name: 'std0.02', options: {} },
      ],
      { 'std0.in.x': f32(1), 'std0.out': f32(2), 'std0.02.in.x': f32(3), 'std0.02.out': f32(4) },
    );
    expect(op).toBe('softmax');
    expect(cases.map(({ name, tensors }) => [name, [...tensors.keys()].sort()])).toEqual([
      ['std0', ['in.x', 'out']],
      ['std0.02', ['in.x', 'out']],
    ]);
    const [first, second] = cases;
    if (first === undefined || second === undefined) throw new Error('two cases');
    expect(first.options).toEqual({ axis: -1 });
    expect([...first.measuredError]).toEqual([['out', 1e-7]]);
    expect([...tensorsUnder(second, 'in.')]).toEqual([['x', { shape: [1], values: Float32Array.of(3) }]]);
  });

  it('reads integers as i32 and every float as f32', async () => {
    const { cases } = await read([{ name: 'a' }], {
      'a.in.ids': { dtype: 'I64', shape: [2], data: BigInt64Array.of(-1n, 7n) },
      'a.in.h': { dtype: 'F16', shape: [1], data: Uint16Array.of(0x3c00) },
      'a.in.b': { dtype: 'BF16', shape: [1], data: Uint16Array.of(0xbf80) },
    });
    const tensors = cases[0]?.tensors;
    expect(tensors?.get('in.ids')?.values).toEqual(Int32Array.of(-1, 7));
    expect(tensors?.get('in.h')?.values).toEqual(Float32Array.of(1));
    expect(tensors?.get('in.b')?.values).toEqual(Float32Array.of(-1));
  });

  it.each<[string, unknown, Record<string, TensorToWrite>, string]>([
    ['no list', '{}', {}, '"cases" is not a list'],
    ['an empty list', [], {}, '"cases" is not a list with entries'],
    ['a case without a name', [{}], {}, 'case 0 has no name'],
    ['a case without tensors', [{ name: 'a' }], {}, 'case a has no tensors'],
    ['a tensor of no case', [{ name: 'a' }], { 'a.out': f32(1), 'b.out': f32(1) }, 'tensor b.out belongs to no case'],
    ['two cases of one name', [{ name: 'a' }, { name: 'a' }], { 'a.out': f32(1) }, 'two cases have the same name'],
    ['options that are a list', [{ name: 'a', options: [] }], { 'a.out': f32(1) }, 'case a has options'],
  ])('refuses %s', async (_, cases, tensors, says) => {
    await expect(read(cases, tensors)).rejects.toThrow(says);
  });

  it('refuses a file without an operation', async () => {
    await expect(read([{ name: 'a' }], {}, {})).rejects.toThrow('no "op"');
  });
});
