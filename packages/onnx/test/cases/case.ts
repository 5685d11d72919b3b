/** Cases of one node each, after the names and meanings of ONNX's backend node tests, with data made here and expected values in double precision. */
import { type Ref, ref } from '@mudpt/testing/reference/array';
import { random, type RandomOptions } from '@mudpt/testing/reference/inputs';
import type { ElementType } from '../../src/format/types.ts';
import type { AttributeToWrite } from '../../src/index.ts';

/** An input of a case; a constant is an initializer of the model. */
export type Feed = Ref & { readonly type: ElementType; readonly isConstant?: boolean };

export type Case = {
  readonly name: string;
  readonly op: string;
  /** Default 21. */
  readonly opset?: number;
  /** Undefined: left out. */
  readonly inputs: readonly (Feed | undefined)[];
  readonly attributes?: Readonly<Record<string, AttributeToWrite>>;
  /** Undefined: not asked for. */
  readonly expected: readonly (Feed | undefined)[];
  /** Relative and absolute; default 1e-5. */
  readonly tolerance?: number;
};

export const float = (x: Ref): Feed => ({ ...x, type: 'float' });
export const bool = (x: Ref): Feed => ({ ...x, type: 'bool' });
export const typed = (type: ElementType, x: Ref): Feed => ({ ...x, type });
export const constant = (x: Feed): Feed => ({ ...x, isConstant: true });
/** A vector of 64-bit integers. */
export const ints = (...values: readonly number[]): Feed => typed('int64', ref([values.length], values));
export const int = (value: number): Feed => typed('int64', ref([], [value]));
/** A vector of constants, as shapes and axes mostly are. */
export const sizes = (...values: readonly number[]): Feed => constant(ints(...values));

/** The shapes that most cases share, so that they share pipelines. */
export const SHAPE = [3, 4, 5] as const;
export const normal = (shape: readonly number[], seed = 1): Ref => random(shape, seed);
export const between = (low: number, high: number, shape: readonly number[] = SHAPE, seed = 1): Ref =>
  random(shape, seed, { distribution: 'uniform', low, high });
export const whole = (low: number, high: number, shape: readonly number[] = SHAPE, seed = 1): Ref =>
  random(shape, seed, { distribution: 'integer', low, high, round: 'none' } satisfies RandomOptions);

/** One node of floats to floats. */
export function floats(name: string, op: string, inputs: readonly Ref[], expected: Ref, attributes: Case['attributes'] = {}): Case {
  return { name, op, inputs: inputs.map(float), expected: [float(expected)], attributes };
}

