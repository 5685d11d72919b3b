/** Operators that make tensors, or convert their types. */
import * as engine from '@mudpt/tensor';
import { InputError, type Tensor } from '@mudpt/tensor';
import { empty, evaluate } from '@mudpt/tensor/kernels';
import { elementTypeOf, constantOf } from '../host/constant.ts';
import { elementType, type ElementType, isFloatType, isNarrow, rangeOf, widthOf } from '../format/types.ts';
import { converted } from '../host/elementwise.ts';
import { hostTensor, type HostTensor } from '../host/tensor.ts';
import type { Call } from '../node/call.ts';
import { HOST_ELEMENTS, intAttribute, type Operator, type Operators } from '../node/operator.ts';
import { typed } from '../node/results.ts';
import { Value } from '../node/value.ts';
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

const typeAttribute = (call: Call, name: string, otherwise: ElementType): ElementType =>
  call.isGiven(name) ? elementTypeOf(call.int(name), call.label) : otherwise;

function refusesType(name: string): Operator['refuses'] {
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

function filled(call: Call, type: ElementType, shape: readonly number[], value: number): Value {
  const count = shape.reduce((product, size) => product * size, 1);
  if (count <= HOST_ELEMENTS) return Value.host(hostTensor(type, shape, new Float64Array(count).fill(value)));
  return typed(call, type, engine.full(shape, value, { dtype: call.dtype(type), device: call.device }));
}

const constantOfShape: Operator = {
  by: 'op',
  reads: [0],
  run: (call) => {
    const proto = call.tensor('value');
    const value = proto ? constantOf(proto, call.label, new Map()) : hostTensor('float', [1], [0]);
    return filled(call, value.type, call.list(0), value.data[0] ?? 0);
  },
  isExpanding: true,
};

const range: Operator = {
  by: 'op',
  reads: 'all',
  run: (call) => {
    const type = call.type(0);
    const [start, limit, delta] = [call.scalar(0), call.scalar(1), call.scalar(2)];
    if (delta === 0) throw call.error('the step is 0', 'give another one');
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    if (!(count < 2 ** 31)) throw call.error(`${count} numbers are asked for`, 'ask for fewer');
    if (count <= HOST_ELEMENTS)
      return Value.host(
        hostTensor(
          type,
          [count],
          Float64Array.from({ length: count }, (_, i) => start + i * delta),
        ),
      );
    const steps = engine.arange(count, { dtype: call.dtype(type), device: call.device });
    return typed(call, type, engine.add(engine.mul(steps, delta), start));
  },
  isExpanding: true,
};

const eyeLike: Operator = {
  by: 'op',
  run: (call) => {
    const [rows = 0, columns = 0] = call.shape(0);
    const type = typeAttribute(call, 'dtype', call.type(0));
    const k = call.int('k', 0);
    const row = engine.reshape(engine.arange(rows, { dtype: 'i32', device: call.device }), [rows, 1]);
    const column = engine.arange(columns, { dtype: 'i32', device: call.device });
    return typed(call, type, engine.cast(engine.eq(column, engine.add(row, k)), call.dtype(type)));
  },
};

const oneHot: Operator = {
  by: 'composition',
  reads: [1],
  run: (call) => {
    const depth = call.list(1)[0] ?? 0;
    const rank = call.shape(0).length;
    const axis = call.axis(call.int('axis', -1), rank + 1);
    const type = call.type(2);
    const ids = engine.cast(call.x(0), 'i32');
    // Negative ids count from the end; those outside name no class.
    const places = engine.unsqueeze(engine.where(engine.lt(ids, 0), engine.add(ids, depth), ids), axis);
    const sizes = Array.from({ length: rank + 1 }, (_, i) => (i === axis ? depth : 1));
    const classes = engine.reshape(engine.arange(depth, { dtype: 'i32', device: call.device }), sizes);
    const [off, on] = [0, 1].map((index) => engine.select(call.x(2), 0, index)) as [Tensor, Tensor];
    return typed(call, type, engine.where(engine.eq(places, classes), on, off));
  },
  isExpanding: true,
};

/** Numbers from keys: of the attribute seed, or of the run. */
function random(
  make: (call: Call, shape: readonly number[], key: number) => Tensor,
  shape: (call: Call) => readonly number[],
): Operator {
  return {
    by: 'op',
    isRandom: true,
    run: (call) => {
      const like = call.inputs[0]?.type ?? 'float';
      return typed(call, typeAttribute(call, 'dtype', like), make(call, shape(call), keyOf(call)));
    },
  };
}

/** A key that the attribute seed decides, and else the run and the node. */
export function keyOf(call: Call): number {
  const seed = call.node.attributes.get('seed');
  if (seed?.kind === 'int') return seed.value >>> 0;
  if (seed === undefined) return call.seed;
  const [bits = 0] = new Uint32Array(Float32Array.of(call.float('seed')).buffer);
  return bits;
}

const uniform = (call: Call, shape: readonly number[], key: number): Tensor =>
  engine.rand(shape, { key, device: call.device, low: call.float('low', 0), high: call.float('high', 1) });
const normal = (call: Call, shape: readonly number[], key: number): Tensor =>
  engine.randn(shape, { key, device: call.device, mean: call.float('mean', 0), std: call.float('scale', 1) });
const given = (call: Call): readonly number[] => call.ints('shape') ?? [];
const alike = (call: Call): readonly number[] => call.shape(0);

/** Cosine windows of signal processing: a0 - a1 cos(t) + a2 cos(2t). */
function cosineWindow(a0: number, a1: number, a2: number): Operator {
  return {
    by: 'composition',
    reads: [0],
    run: (call) => {
      const size = call.scalar(0);
      const period = call.int('periodic', 1) === 1 ? size : size - 1;
      const at = (i: number): number => (2 * Math.PI * i) / period;
      const values = Float64Array.from({ length: size }, (_, i) => a0 - a1 * Math.cos(at(i)) + a2 * Math.cos(2 * at(i)));
      return Value.host(hostTensor(typeAttribute(call, 'output_datatype', 'float'), [size], values));
    },
  };
}

/** Triangles between frequencies that lie evenly on the mel scale: [frequencies, bands]. */
function melMatrix(call: Call): HostTensor {
  const [bands, length, rate, low, high] = [0, 1, 2, 3, 4].map((index) => call.scalar(index)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const mel = (hertz: number): number => 2595 * Math.log10(1 + hertz / 700);
  const [from, to] = [mel(low), mel(high)];
  const rows = Math.floor(length / 2) + 1;
  const edges = Array.from({ length: bands + 2 }, (_, i) => {
    const hertz = 700 * (10 ** ((from + (i * (to - from)) / (bands + 2)) / 2595) - 1);
    return Math.floor(((length + 1) * hertz) / rate);
  });
  const out = new Float64Array(rows * bands);
  for (let band = 0; band < bands; band += 1) {
    const [left = 0, center = 0, right = 0] = edges.slice(band, band + 3);
    if (center === left) out[center * bands + band] = 1;
    else for (let row = left; row <= center; row += 1) out[row * bands + band] = (row - left) / (center - left);
    if (right > center) for (let row = center; row < right; row += 1) out[row * bands + band] = (right - row) / (right - center);
  }
  return hostTensor(typeAttribute(call, 'output_datatype', 'float'), [rows, bands], out);
}

export const createOperators: Operators = {
  Bernoulli: {
    by: 'op',
    isRandom: true,
    run: (call) => {
      const uniformly = engine.rand(call.shape(0), { key: keyOf(call), device: call.device });
      return typed(call, typeAttribute(call, 'dtype', call.type(0)), engine.lt(uniformly, call.x(0)));
    },
  },
  BitCast: bitCastOperator,
  BlackmanWindow: cosineWindow(0.42, 0.5, 0.08),
  Cast: { ...casting((call) => typeAttribute(call, 'to', call.type(0))), refuses: refusesType('to') },
  CastLike: {
    by: 'op',
    run: (call) => castTensor(call, call.x(0), call.type(0), call.type(1)),
    host: (call) => converted(call.host(0), call.type(1)),
  },
  ConstantOfShape: constantOfShape,
  EyeLike: { ...eyeLike, refuses: refusesType('dtype') },
  HammingWindow: cosineWindow(25 / 46, 21 / 46, 0),
  HannWindow: cosineWindow(0.5, 0.5, 0),
  MelWeightMatrix: { by: 'composition', reads: 'all', run: (call) => Value.host(melMatrix(call)) },
  Multinomial: {
    by: 'op',
    isRandom: true,
    run: (call) => {
      const drawn = engine.categorical(call.x(0), { key: keyOf(call), count: call.int('sample_size', 1) });
      return typed(call, typeAttribute(call, 'dtype', 'int32'), drawn);
    },
  },
  OneHot: oneHot,
  RandomNormal: random(normal, given),
  RandomNormalLike: random(normal, alike),
  RandomUniform: random(uniform, given),
  RandomUniformLike: random(uniform, alike),
  Range: range,
};
