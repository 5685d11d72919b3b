/** Tables of a module: its layers in the order in which they run, the shapes they give, the numbers they hold. */
import { type DType, scope, type Shape, Tensor, zeros } from '@mudpt/tensor/functions';
import { isTrainable, noGrad } from '../parameter.ts';
import { Module } from './module.ts';

/** A row of a {@link Summary}. */
export type SummaryRow = {
  /** Path of the module; empty for the whole. */
  readonly name: string;
  readonly kind: string;
  /** Shapes of what its `forward` gave; empty where it was not called, since another module used its weights. */
  readonly outputs: readonly Shape[];
  /** Numbers in its tensors, without those of its parts. */
  readonly parameters: number;
};

/** Rows and totals; as text a table. */
export type Summary = {
  readonly rows: readonly SummaryRow[];
  readonly parameters: number;
  readonly trainable: number;
  toString(): string;
};

type Runs = Module & { forward(...args: readonly never[]): unknown };

/**
 * Runs `module.forward` on zeros of `inputShape`, as in evaluation, and lists its modules: `console.log(String(summary(model, [1, 3, 32, 32])))`.
 * @param options.dtype of the input, for ids 'i32'. Default 'f32'
 * @example
 * console.log(summary(new Linear(2, 3), [4, 2]).parameters); // 9
 */
export function summary(
  module: Module & { forward(x: Tensor): unknown },
  inputShape: Shape,
  options: { readonly dtype?: DType } = {},
): Summary {
  const named = [...modulesOf(module, '')];
  const outputs = new Map<Module, Shape[]>();
  const order: Module[] = [];
  const modes = named.map(([, one]) => one.training);
  const device = [...module.namedTensors()][0]?.[1].device;
  for (const [, one] of named) listen(one, order, outputs);
  try {
    module.eval();
    noGrad(() =>
      scope(() => void module.forward(zeros(inputShape, { ...(device && { device }), dtype: options.dtype ?? 'f32' }))),
    );
  } finally {
    for (const [index, [, one]] of named.entries()) {
      Reflect.deleteProperty(one, 'forward');
      one.training = modes[index] as boolean;
    }
  }
  const called = (one: Module): number => (order.includes(one) ? order.indexOf(one) : order.length);
  const sorted = [...named].sort(([, a], [, b]) => called(a) - called(b));
  const rows = sorted.map(([name, one]) => ({
    name,
    kind: one.constructor.name,
    outputs: outputs.get(one) ?? [],
    parameters: count(Object.values(one).filter((value) => value instanceof Tensor)),
  }));
  const tensors = [...new Set([...module.namedTensors()].map(([, tensor]) => tensor))];
  const totals = { parameters: count(tensors), trainable: count(tensors.filter(isTrainable)) };
  return { rows, ...totals, toString: () => table(rows, totals) };
}

function* modulesOf(module: Module, name: string): Generator<readonly [string, Module]> {
  yield [name, module];
  for (const [child, one] of module.children()) yield* modulesOf(one, name === '' ? child : `${name}.${child}`);
}

/** Notes the calls of a module's `forward` until the property is deleted. */
function listen(module: Module, order: Module[], outputs: Map<Module, Shape[]>): void {
  if (!('forward' in module)) return;
  const { forward } = module as Runs;
  const value = (...args: readonly never[]): unknown => {
    if (!order.includes(module)) order.push(module);
    const result = forward.apply(module, args as never);
    if (!outputs.has(module)) outputs.set(module, shapesOf(result));
    return result;
  };
  Object.defineProperty(module, 'forward', { value, configurable: true });
}

function shapesOf(value: unknown): Shape[] {
  if (value instanceof Tensor) return [value.shape];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(shapesOf) : [];
}

function count(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, { size }) => sum + size, 0);
}

function table(
  rows: readonly SummaryRow[],
  { parameters, trainable }: { readonly parameters: number; readonly trainable: number },
): string {
  const cells = rows.map(({ name, kind, outputs, parameters: held }) => [
    name === '' ? kind : `${'  '.repeat(name.split('.').length)}${name} (${kind})`,
    outputs.map((shape) => `[${shape.join(', ')}]`).join(' '),
    held === 0 ? '' : held.toLocaleString('en'),
  ]);
  const all = [['layer', 'output', 'parameters'], ...cells];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => (row[column] as string).length)));
  const lines = all.map(([a = '', b = '', c = '']) =>
    `${a.padEnd(widths[0] as number)}  ${b.padEnd(widths[1] as number)}  ${c.padStart(widths[2] as number)}`.trimEnd(),
  );
  const total = `${parameters.toLocaleString('en')} parameters, ${trainable.toLocaleString('en')} of them learnt`;
  return [...lines, total].join('\n');
}
