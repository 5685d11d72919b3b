/** Operators that convert the types of tensors. */
import * as engine from '@mudpt/tensor';
import { InputError, type Tensor } from '@mudpt/tensor';
import { empty, evaluate } from '@mudpt/tensor/kernels';
import { elementType, type ElementType, isFloatType, isNarrow, rangeOf, widthOf } from '../format/types.ts';
import { elementTypeOf } from '../host/constant.ts';
import { converted } from '../host/elementwise.ts';
import type { Call } from '../node/call.ts';
import { intAttribute, type Operator, type Operators } from '../node/operator.ts';
import { typed } from '../node/results.ts';
import type { Value } from '../node/value.ts';
import { wrap } from './pointwise-forms.ts';

/** x as another type: floats lose their fraction, integers wrap around. */
export function castTensor(call: Call, x: Tensor, from: ElementType, to: ElementType): Value {
  // A negative float has no u32: it wraps around as an i32.
  const whole = isFloatType(from) && isNarrow(to) ? engine.cast(x, 'i32') : x;
  const value = engine.cast(whole, call.dtype(to));
  return typed(call, to, isNarrow(to) && rangeOf(from) !== rangeOf(to) ? wrap(to, value) : value);
}

function casting(target: (call: Call) => ElementType): Operator {
  return {
    by: 'op',
    run: (call) => castTensor(call, call.x(0), call.type(0), target(call)),
    host: (call) => converted(call.host(0), target(call)),
  };
}

/** The type that an attribute names. */
export const typeAttribute = (call: Call, name: string, otherwise: ElementType): ElementType =>
  call.isGiven(name) ? elementTypeOf(call.int(name), call.label) : otherwise;

/** Refuses types that are not computed. */
export function refusesType(name: string): Operator['refuses'] {
  return (node) => {
    const attribute = node.attributes.get(name);
    if (attribute?.kind !== 'int') return undefined;
    try {
      elementTypeOf(attribute.value, node.op);
      return undefined;
    } catch (error) {
      return error instanceof Error ? `to type ${attribute.value}` : undefined;
    }
  };
}

/** Types of 32 bits whose dtype holds their bits. */
const WORDS: readonly ElementType[] = ['float', 'int32', 'uint32'];

/** The bits of x as another type as wide. */
function bitCast(call: Call, x: Tensor, from: ElementType, to: ElementType): Value {
  if (from === to) return typed(call, to, engine.contiguous(x));
  if (widthOf(from) !== widthOf(to) || to === 'bool' || (isFloatType(from) && from !== 'float'))
    throw new InputError(
      call.label,
      `bits of ${from} are to be read as ${to}`,
      'give types of one width: float, or integers of up to 32 bits',
    );
  const isWord = WORDS.includes(from) && (from === 'float' || to === 'float');
  if (!isWord) return castTensor(call, x, from, to);
  const dtype = call.dtype(to) as 'f32' | 'i32' | 'u32';
  const result = empty(call.device, x.shape, dtype);
  const compute = call.dtype(from) as 'f32' | 'i32' | 'u32';
  evaluate(call.device, { name: 'bitcast', expression: `bitcast<${dtype}>(x)`, compute, operands: { x }, result });
  return typed(call, to, result);
}

const bitCastOperator: Operator = {
  by: 'op',
  refuses: (node, opset) => {
    const refused = refusesType('to')?.(node, opset);
    const type = elementType(intAttribute(node, 'to', 0));
    const isHeld = type !== undefined && widthOf(type) <= 4 && type !== 'float16' && type !== 'bfloat16' && type !== 'bool';
    return refused ?? (isHeld ? undefined : `to ${type ?? 'no type'}`);
  },
  run: (call) => bitCast(call, call.x(0), call.type(0), typeAttribute(call, 'to', call.type(0))),
};

export const castOperators: Operators = {
  BitCast: bitCastOperator,
  Cast: { ...casting((call) => typeAttribute(call, 'to', call.type(0))), refuses: refusesType('to') },
  CastLike: {
    by: 'op',
    run: (call) => castTensor(call, call.x(0), call.type(0), call.type(1)),
    host: (call) => converted(call.host(0), call.type(1)),
  },
};
