/** Checks a function of tensors against central differences of its f64 form, with every variant of the kernels it runs. */
import { type Device, type DType, type HostArray, type Shape, type Tensor, tensor } from '@mudpt/tensor';
import { GEMM_VARIANTS, type GemmVariant } from '@mudpt/tensor/internal';
import { gradcheck } from '@mudpt/autograd';
import { vi } from 'vitest';
import { map, type Ref } from '@mudpt/testing/reference/array';
import { random, roundTo, toF32 } from '@mudpt/testing/reference/inputs';

export type Case = {
  readonly shapes: readonly (readonly number[])[];
  readonly run: (...inputs: Tensor[]) => Tensor;
  readonly reference: (...inputs: Ref[]) => Ref;
  /** Ranges of the inputs; the first serves where there is none. Default -1 to 1. */
  readonly domain?: readonly (readonly [low: number, high: number])[];
  /** Moves values of the first input away from where there is no derivative. */
  readonly adjust?: (x: number) => number;
};

/** A case of the tables in cases/. */
export type RuleCase = Case & {
  readonly name: string;
  /** Dtypes of the inputs in the f16 run, all f16 by default; or why there is none. */
  readonly half?: readonly DType[] | string;
};

/** A constant of a case, on the device of `beside`. */
export function constant(beside: Tensor, values: HostArray, shape: Shape, dtype: DType = 'i32'): Tensor {
  return tensor(values, { shape, dtype, device: beside.device });
}

/** Runs a case with random inputs. @param order 2: second derivatives too. @throws Error when a gradient differs */
export async function checkRule(
  device: Device,
  { shapes, run, reference, domain, adjust = (x) => x }: Case,
  dtypes: readonly DType[] = [],
  order: 1 | 2 = 1,
): Promise<void> {
  const inputs = shapes.map((shape, which) => {
    const [low, high] = domain?.[which] ?? domain?.[0] ?? [-1, 1];
    const dtype = dtypes[which] ?? dtypes[0] ?? 'f32';
    const drawn = random(shape, which + 3, { distribution: 'uniform', low, high });
    const values = roundTo(which === 0 ? map(drawn, adjust) : drawn, dtype === 'f16' ? 'f16' : 'f32');
    return tensor(toF32(values), { shape, dtype, device });
  });
  try {
    await gradcheck(run, inputs, { reference: (...values) => reference(...(values as unknown as Ref[])), order });
  } finally {
    for (const input of inputs) input.dispose();
  }
}

/** Runs `body`. @returns the kernel families it went through, each with the variants that all its calls could take; what ran comes first */
async function observe(device: Device, body: () => Promise<void>): Promise<ReadonlyMap<string, readonly string[]>> {
  const spy = vi.spyOn(device.tuner, 'choose');
  try {
    await body();
    const families = new Map<string, readonly string[]>();
    for (const [family, candidates] of spy.mock.calls) {
      const before = families.get(family);
      // Calls that prefer different variants: none counts as run.
      families.set(family, before ? before.filter((variant) => candidates.includes(variant)) : candidates);
    }
    return families;
  } finally {
    spy.mockRestore();
  }
}

const areaOf = ({ model }: GemmVariant): number => (model ? model.rows * model.columns : Number.POSITIVE_INFINITY);

/**
 * Of the variants made for GPUs, tiles of one template that the tests of matmul and attention force one by one, the smallest stands for all on CPU
 * adapters, where every pipeline takes long to compile. These are the others.
 */
const LEFT_TO_TENSOR: ReadonlySet<string> = new Set([
  ...GEMM_VARIANTS.filter(({ madeFor }) => madeFor === 'gpu')
    .sort((a, b) => areaOf(a) - areaOf(b))
    .slice(1)
    .map(({ name }) => name),
  'flash64',
]);

/**
 * Checks a case as the tuner chooses; then again until every other variant of every kernel family it went through has run, one of each
 * family at a time, and products with their sums split.
 */
export async function checkVariants(device: Device, wanted: Case): Promise<void> {
  const families = new Map(await observe(device, () => checkRule(device, wanted)));
  // Products of few terms are never split unasked.
  if (families.has('gemm')) families.set('gemm.split', ['1', '2']);
  if (device.adapter.kind !== 'gpu')
    for (const [family, names] of families)
      families.set(
        family,
        names.filter((name) => !LEFT_TO_TENSOR.has(name)),
      );
  const rounds = Math.max(0, ...[...families.values()].map((variants) => variants.length));
  for (let round = 1; round < rounds; round += 1) {
    const forced = [...families].flatMap(([family, { [round]: variant }]) => (variant ? [[family, variant] as const] : []));
    const forces = forced.map(([family, variant]) => device.tuner.force(family, variant));
    try {
      await checkRule(device, wanted);
    } catch (error) {
      const names = forced.map(([family, variant]) => `${family} ${variant}`).join(', ');
      throw new Error(`with ${names}: ${String(error)}`, { cause: error });
    } finally {
      for (const force of forces) force[Symbol.dispose]();
    }
  }
}
