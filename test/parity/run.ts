/** Runs the cases of a golden file on a device and compares every tensor. */
import { type Device, openSafetensors, scope, type Tensor, tensor } from '@mudpt/tensor';
import { type Comparison, compare, GRADIENT_TOLERANCE, missing, OUTPUT_TOLERANCE } from './compare.ts';
import { type GoldenCase, type GoldenFile, type HostTensor, readGolden, tensorsUnder } from './golden.ts';
import { tensorOperations } from './engine.ts';
import { Inputs } from './inputs.ts';
import { forward } from './ops.ts';
import { Unsupported } from './options.ts';
import type { CaseResult, FileResult } from './report.ts';

/** What stands on top of the tensor package. A part that is not given makes the tensors that need it fail, by name. */
export interface Extensions {
  /** Runs `compute` and returns its result and the gradient of <result, cotangent> by each of `inputs`. */
  readonly differentiate?: (
    compute: () => Tensor,
    inputs: ReadonlyMap<string, Tensor>,
    cotangent: Tensor,
  ) => { readonly out: Tensor; readonly gradients: ReadonlyMap<string, Tensor> };
  /** Runs the steps of an optimizer case; returns `step<k>.param.<p>` and `state.<name>.<p>`. */
  readonly optimize?: (golden: GoldenCase, device: Device) => Promise<ReadonlyMap<string, HostTensor>>;
}

/** Reads and runs a file of operation cases. Whatever goes wrong becomes part of the result. */
export async function runFile(path: string, device: Device, extensions: Extensions): Promise<FileResult> {
  let golden: GoldenFile;
  try {
    await using file = await openSafetensors(path);
    golden = await readGolden(file);
  } catch (error) {
    return { path, cases: [], problem: messageOf(error) };
  }
  const cases: CaseResult[] = [];
  for (const one of golden.cases) cases.push(await runCase(golden.op, one, device, extensions));
  return { path, cases };
}

async function runCase(op: string, golden: GoldenCase, device: Device, extensions: Extensions): Promise<CaseResult> {
  const computed = await compute(op, golden, device, extensions).catch(async (error: unknown) => {
    // One broken kernel fails its own case; the next starts with a clean slate.
    await device.settle().catch(() => device.clearError());
    return messageOf(error);
  });
  const expected = expectedTensors(op, golden);
  const tensors = [...expected].map(([name, { values, tolerance }]): Comparison => {
    if (typeof computed === 'string') return missing(name, computed);
    const actual = computed.get(name);
    if (actual === undefined)
      return missing(name, extensions.differentiate ? 'was not computed' : 'gradients are not supported yet');
    return compare(name, actual, values, tolerance, golden.measuredError.get(name));
  });
  return { name: golden.name, tensors: tensors.length > 0 ? tensors : [missing('out', 'the case expects nothing')] };
}

function expectedTensors(op: string, golden: GoldenCase): Map<string, { values: HostTensor; tolerance: number }> {
  const expected = new Map<string, { values: HostTensor; tolerance: number }>();
  for (const [name, values] of golden.tensors) {
    const isExpected = op === 'optim' ? /^step\d+\.param\.|^state\./.test(name) : /^out$|^grad\./.test(name);
    if (isExpected) expected.set(name, { values, tolerance: name.startsWith('grad.') ? GRADIENT_TOLERANCE : OUTPUT_TOLERANCE });
  }
  return expected;
}

/** All results of one case, by the names the file gives them. */
async function compute(
  op: string,
  golden: GoldenCase,
  device: Device,
  extensions: Extensions,
): Promise<ReadonlyMap<string, HostTensor>> {
  if (op === 'optim') {
    if (extensions.optimize === undefined) throw new Unsupported('optimizers are not supported yet');
    return extensions.optimize(golden, device);
  }
  return scope(async () => {
    const inputs = new Map([...tensorsUnder(golden, 'in.')].map(([name, host]) => [name, upload(host, device)]));
    const results = new Map<string, Tensor>();
    const wanted = tensorsUnder(golden, 'grad.');
    const cotangent = golden.tensors.get('cot');
    if (extensions.differentiate !== undefined && wanted.size > 0 && cotangent !== undefined) {
      const by = new Map([...inputs].filter(([name]) => wanted.has(name)));
      const { out, gradients } = extensions.differentiate(
        () => forward(tensorOperations, op, new Inputs(inputs), golden),
        by,
        upload(cotangent, device),
      );
      results.set('out', out);
      for (const [name, gradient] of gradients) results.set(`grad.${name}`, gradient);
    } else {
      results.set('out', forward(tensorOperations, op, new Inputs(inputs), golden));
    }
    const read = new Map<string, HostTensor>();
    for (const [name, result] of results) read.set(name, await download(result));
    return read;
  });
}

function upload({ shape, values }: HostTensor, device: Device): Tensor {
  return tensor(values, { shape, device });
}

async function download(result: Tensor): Promise<HostTensor> {
  const values = await result.data();
  return { shape: result.shape, values: values instanceof Int32Array ? values : new Float32Array(values) };
}

export function messageOf(error: unknown): string {
  if (error instanceof Unsupported) return `unsupported: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
