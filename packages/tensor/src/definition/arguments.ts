/**
 * Argument checks that types cannot make for JavaScript: wrong kinds of values, unknown options and dtypes. An op gets its check from
 * its signature, `'x:tensor axis?:number'`; kernels and replays do not repeat it.
 */
import { expectThisCopy } from '../copies.ts';
import { DTYPES, expectDTypeName } from '../dtype.ts';
import { TensorError } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { describe } from '../values.ts';
import { expectOptions, isPlainObject, OPTIONS_FIX } from './options.ts';

type Kind = {
  /** The expected value, for messages. */
  readonly what: string;
  readonly fix: string;
  accepts(value: unknown): boolean;
};

const isNumber = (value: unknown): value is number => typeof value === 'number';
const isNumbers = (value: unknown): boolean => isList(value) && value.every(isNumber);
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value) || value instanceof Int32Array;

const KINDS = {
  tensor: { what: 'a tensor', fix: 'make one: tensor(data)', accepts: (value) => value instanceof Tensor },
  operand: {
    what: 'a tensor or a number',
    fix: 'give a number, or make a tensor: tensor(data)',
    accepts: (value) => value instanceof Tensor || isNumber(value),
  },
  number: { what: 'a number', fix: 'give one number', accepts: isNumber },
  numbers: { what: 'a list of numbers', fix: 'give a list: [2, 3]', accepts: isNumbers },
  axes: {
    what: 'an axis or a list of axes',
    fix: 'give a number or a list: [0, 1]',
    accepts: (v) => isNumber(v) || isNumbers(v),
  },
  shares: {
    what: 'a number or a list of numbers',
    fix: 'give one number or a list: [0.1, 0.9]',
    accepts: (v) => isNumber(v) || isNumbers(v),
  },
  list: { what: 'a list', fix: 'give a list: [...]', accepts: isList },
  fill: {
    what: 'a number or the name of a mode',
    fix: "give a number, 'reflect', 'replicate' or 'circular'",
    accepts: (value) => isNumber(value) || typeof value === 'string',
  },
  tensors: {
    what: 'a list of tensors',
    fix: 'give a list: [a, b]',
    accepts: (value) => Array.isArray(value) && value.every((item) => item instanceof Tensor),
  },
  text: { what: 'a text', fix: 'give a string', accepts: (value) => typeof value === 'string' },
  dtype: { what: 'a dtype', fix: `use ${DTYPES.join(', ')}`, accepts: (value) => (DTYPES as readonly unknown[]).includes(value) },
  options: { what: 'an object of options', fix: OPTIONS_FIX, accepts: isPlainObject },
  key: {
    what: 'an object with a key',
    fix: 'give { key: 7 }: the key decides every number',
    accepts: (value) => isPlainObject(value) && 'key' in value && value.key !== undefined,
  },
} satisfies Record<string, Kind>;

/** Throws for arguments an op does not take. */
export type ArgumentsCheck = (args: readonly unknown[]) => void;

/** Names of the arguments in a signature. */
export const namesIn = (signature: string): readonly string[] =>
  signature.split(' ').map((part) => (part.split(':')[0] ?? '').replace(/\?|\.\.\./, ''));

/** The check of an op. @param signature arguments as `name:kind`, `name?:kind` where it may be left out, last `...name:kind` for one or more */
export function argumentsCheck(op: string, signature: string, options?: readonly string[]): ArgumentsCheck {
  const expected = signature.split(' ').map((part) => {
    const [name = '', kind = ''] = part.split(':');
    return {
      name: name.replace(/\?|\.\.\./, ''),
      kind: KINDS[kind as keyof typeof KINDS] as Kind,
      isOptional: name.endsWith('?'),
      isRest: name.startsWith('...'),
    };
  });
  return (args) => {
    const last = expected.at(-1);
    const more = last?.isRest ? args.slice(expected.length).map(() => last) : [];
    for (const [index, { name, kind, isOptional }] of [...expected, ...more].entries()) {
      const value = args[index];
      if (value === undefined) {
        if (isOptional) continue;
        throw new TensorError(op, `${name} is missing`, kind.fix);
      }
      if (kind === KINDS.dtype) expectDTypeName(op, value);
      if (!kind.accepts(value)) {
        expectThisCopy(op, name, value);
        throw new TensorError(op, `${name} is ${describe(value)}, not ${kind.what}`, kind.fix);
      }
      if ((kind === KINDS.options || kind === KINDS.key) && options) expectOptions(op, value as object, options);
    }
  };
}
