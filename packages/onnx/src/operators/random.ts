/** Operators that draw random numbers. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import type { Call } from '../node/call.ts';
import type { Operator, Operators } from '../node/operator.ts';
import { typed } from '../node/results.ts';
import { typeAttribute } from './cast.ts';

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

export const randomOperators: Operators = {
  Bernoulli: {
    by: 'op',
    isRandom: true,
    run: (call) => {
      const uniformly = engine.rand(call.shape(0), { key: keyOf(call), device: call.device });
      return typed(call, typeAttribute(call, 'dtype', call.type(0)), engine.lt(uniformly, call.x(0)));
    },
  },
  Multinomial: {
    by: 'op',
    isRandom: true,
    run: (call) => {
      const drawn = engine.categorical(call.x(0), { key: keyOf(call), count: call.int('sample_size', 1) });
      return typed(call, typeAttribute(call, 'dtype', 'int32'), drawn);
    },
  },
  RandomNormal: random(normal, given),
  RandomNormalLike: random(normal, alike),
  RandomUniform: random(uniform, given),
  RandomUniformLike: random(uniform, alike),
};
