/** Reader of the PyTorch goldens in fixtures/ops: safetensors with a list of cases in the metadata. Independent of the engine's reader. */
import { readFileSync } from 'node:fs';
import { fixtureUrl } from '../fixtures.ts';
import { type Ref, ref } from './array.ts';

export type GoldenCase = {
  name: string;
  options: Record<string, unknown>;
  inputs: Record<string, Ref>;
  out: Ref;
  cotangent: Ref;
  /** PyTorch's gradients by input name. */
  gradients: Record<string, Ref>;
  /** Largest error PyTorch's own f32 made against f64, of `out` and of `grad.<input>`. */
  roundingError: Record<string, number>;
};

type Entry = { dtype: 'F32' | 'I32'; shape: number[]; data_offsets: [number, number] };
type CaseRecord = { name: string; options: Record<string, unknown>; f32_vs_f64_max_abs_err: Record<string, number> };

/** All cases of one op's golden file. */
export function readGoldens(op: string): GoldenCase[] {
  const file = readFileSync(fixtureUrl(`ops/${op}.safetensors`));
  const headerEnd = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, headerEnd)) as Record<string, Entry> & { __metadata__: { cases: string } };
  const tensor = (name: string): Ref => {
    const entry = header[name];
    if (!entry) throw new Error(`${op}.safetensors has no ${name}`);
    const [start, end] = entry.data_offsets;
    const bytes = new Uint8Array(file.subarray(headerEnd + start, headerEnd + end)).buffer;
    return ref(entry.shape, entry.dtype === 'I32' ? new Int32Array(bytes) : new Float32Array(bytes));
  };
  const group = (prefix: string): Record<string, Ref> =>
    Object.fromEntries(
      Object.keys(header)
        .filter((name) => name.startsWith(prefix))
        .map((name) => [name.slice(prefix.length), tensor(name)]),
    );
  return (JSON.parse(header.__metadata__.cases) as CaseRecord[]).map(({ name, options, f32_vs_f64_max_abs_err }) => ({
    name,
    options,
    inputs: group(`${name}.in.`),
    out: tensor(`${name}.out`),
    cotangent: tensor(`${name}.cot`),
    gradients: group(`${name}.grad.`),
    roundingError: f32_vs_f64_max_abs_err,
  }));
}
