/** What JavaScript passes and types forbid: taken where it means one thing, else an error in the op's name, never a wrong number. */
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import * as engine from '../index.ts';
import { AllocationError, arange, capture, DTypeError, scope, type Tensor, tensor, TensorError } from '../index.ts';
import { defineOp } from '../kernels.ts';

// Calls as JavaScript makes them: no types.
type Call = (...args: readonly unknown[]) => Tensor;
const E = engine as unknown as Readonly<Record<string, Call>> & {
  readonly addLayerNorm: (...args: readonly unknown[]) => { out: Tensor };
};
const method = (x: Tensor, name: string): Call => (x as unknown as Readonly<Record<string, Call>>)[name]?.bind(x) as Call;

it('nulls among arguments and options are undefined, and stay where an op tells them apart', () => {
  const seen = (...args: readonly unknown[]): unknown => args;
  const op = defineOp('op', seen as never) as unknown as typeof seen;
  const kept = defineOp('kept', seen as never, { nulls: 'kept' }) as unknown as typeof seen;
  const list = [null];
  expect(op(1, null, { a: null, b: 2 }, list)).toEqual([1, undefined, { a: undefined, b: 2 }, [null]]);
  expect(kept(null, { a: null })).toEqual([null, { a: null }]);
});

it('an op whose arguments nothing checks says what it was given where JavaScript fails on it', () => {
  // As in @mudpt/tensor/functions, whose ops have no check.
  const outer = defineOp('outer', (x: Tensor, y: Tensor): Tensor => (x.expectLive('outer'), y));
  const call = outer as unknown as Call;
  const thrown = (...args: readonly unknown[]): unknown => {
    try {
      return call(...args);
    } catch (error) {
      return error;
    }
  };
  const error = thrown(5, [1, 2], 'x', undefined) as TensorError;
  expect(error).toBeInstanceOf(TensorError);
  expect(error.message).toBe(
    'outer: it was called with (number 5, an array, the text "x", undefined), of which one is of another kind than it takes. ' +
      "Give tensors where its types say so, such as tensor([1, 2]); a call through '@mudpt/tensor' names the argument.",
  );
  expect((error.cause as TypeError).message).toMatch(/expectLive is not a function/);
  // Other failures are no misuse.
  const broken = defineOp('broken', () => nothing());
  expect(broken).toThrow(RangeError);
});

function nothing(): never {
  throw new RangeError('nothing');
}

eachDevice('arguments from JavaScript', (ctx) => {
  const make = () => ({
    x: tensor(
      [
        [1, 2, 3, 4],
        [10, 20, 30, 44],
      ],
      { device: ctx.device },
    ),
    w: engine.ones([4], { device: ctx.device }),
    square: engine.ones([2, 4], { device: ctx.device }),
    image: engine.ones([1, 1, 3, 3], { device: ctx.device }),
    filter: engine.ones([1, 1, 2, 2], { device: ctx.device }),
  });
  type Made = ReturnType<typeof make>;

  const nulls: Record<string, readonly [(m: Made) => Tensor, (m: Made) => Tensor]> = {
    'layerNorm bias': [({ x, w }) => E.layerNorm!(x, w, null), ({ x, w }) => E.layerNorm!(x, w)],
    'layerNorm both': [({ x }) => E.layerNorm!(x, null, null, null), ({ x }) => E.layerNorm!(x)],
    rmsNorm: [({ x }) => E.rmsNorm!(x, null), ({ x }) => E.rmsNorm!(x)],
    addLayerNorm: [({ x, w }) => E.addLayerNorm(x, x, w, null).out, ({ x, w }) => E.addLayerNorm(x, x, w).out],
    linear: [({ x, square }) => E.linear!(x, square, null, null), ({ x, square }) => E.linear!(x, square)],
    'linear option': [({ x, square }) => E.linear!(x, square, null, { residual: null }), ({ x, square }) => E.linear!(x, square)],
    conv2d: [({ image, filter }) => E.conv2d!(image, filter, null), ({ image, filter }) => E.conv2d!(image, filter)],
    sum: [({ x }) => E.sum!(x, null), ({ x }) => E.sum!(x)],
    'sum option': [({ x }) => E.sum!(x, -1, null), ({ x }) => E.sum!(x, -1)],
    argmax: [({ x }) => E.argmax!(x, null), ({ x }) => E.argmax!(x)],
    clamp: [({ x }) => E.clamp!(x, null, 2), ({ x }) => E.clamp!(x, undefined, 2)],
    squeeze: [({ x }) => method(x, 'squeeze')(null), ({ x }) => E.squeeze!(x)],
    softmax: [({ x }) => method(x, 'softmax')(null), ({ x }) => E.softmax!(x)],
    zeros: [() => E.zeros!([2], { device: ctx.device, dtype: null }), () => E.zeros!([2], { device: ctx.device })],
  };
  for (const [name, [given, meant]] of Object.entries(nulls)) {
    it(`null is none: ${name}`, async () => {
      const [a, b] = scope(() => [given(make()), meant(make())] as const);
      using actual = a;
      using expected = b;
      expect(await actual.array()).toEqual(await expected.array());
    });
  }

  it('arange takes its end alone, as everywhere', async () => {
    using five = arange(5, { device: ctx.device });
    expect(await five.data()).toEqual(Float32Array.of(0, 1, 2, 3, 4));
    using whole = arange(3, { dtype: 'i32', device: ctx.device });
    expect(await whole.data()).toEqual(Int32Array.of(0, 1, 2));
    using from = arange(2, 4, 1, { device: ctx.device });
    expect(await from.data()).toEqual(Float32Array.of(2, 3));
    using half = scope(() => E.arange!(1, 2, 0.5, { device: ctx.device }));
    expect(await half.data()).toEqual(Float32Array.of(1, 1.5));
  });

  it('says in the name of the op what is wrong with its arguments', () => {
    const { device } = ctx;
    const wrong: readonly (readonly [(m: Made) => unknown, string])[] = [
      [
        ({ x }) => method(x, 'add')([1]),
        'add: y is an array, not a tensor or a number. Give a number, or make a tensor: tensor(data).',
      ],
      [() => E.square!([1]), 'square: x is an array, not a tensor or a number'],
      [({ x }) => method(x, 'mul')('2'), 'mul: y is the text "2"'],
      [({ x }) => method(x, 'softmax')('last'), 'softmax: axis is the text "last", not a number'],
      [({ x }) => method(x, 'reshape')(2, 4), 'reshape: shape is number 2, not a list of numbers'],
      [({ x }) => method(x, 'sum')(0, 1), 'sum: options is number 1, not an object of options'],
      [({ x }) => method(x, 'sum')(0, { keepDim: true }), 'sum: there is no option "keepDim". Options are keepdim.'],
      [({ x }) => method(x, 'matmul')([[1]]), 'matmul: b is an array, not a tensor'],
      [({ x }) => E.layerNorm!(x, 1), 'layerNorm: weight is number 1, not a tensor'],
      [({ x }) => E.cat!(x), 'cat: tensors is a tensor, not a list of tensors'],
      [({ x }) => method(x, 'cast')('float32'), 'cast: there is no dtype "float32". Use f32, f16, i32, u32, bool.'],
      [() => E.zeros!(2, 3), 'zeros: shape is number 2, not a list of sizes. Give a list: [2, 3].'],
      [() => E.ones!([2], { device, dtype: 'float' }), 'ones: there is no dtype "float"'],
      [() => E.full!([2], [1], { device }), 'full: value is object 1. Give one number.'],
      [() => E.tensor!([1], { device, dType: 'i32' }), 'tensor: there is no option "dType". Options are dtype, device, shape.'],
      [() => E.tensor!([1], 'i32'), 'tensor: options are the text "i32"'],
      [() => E.eye!(-1, 2, { device }), 'eye: size -1'],
      [() => E.empty!([2]), 'empty: device is an array. Give empty(device, shape).'],
      [() => E.randn!([2]), 'randn: options is missing. Give { key: 7 }: the key decides every number.'],
      [() => E.randn!([2], { device }), 'randn: options is an object (Object), not an object with a key'],
      [() => E.rand!(2, { key: 1, device }), 'rand: shape is number 2'],
      [() => E.capture!(() => 1, { devices: device }), 'capture: there is no option "devices"'],
      [() => (E.capture!(() => 1, { device }) as unknown as Call)({ x: null }), 'capture: input x is no tensor'],
      [
        () => (E.capture!((inputs: Made) => inputs.x, { device }) as unknown as Call)({ z: 1 }),
        'capture: the body reads an input "x", and the call gives z',
      ],
    ];
    const live = device.memory().liveTensors;
    for (const [call, message] of wrong) {
      let error: unknown;
      try {
        scope(() => void call(make()));
      } catch (thrown) {
        error = thrown;
      }
      expect(error, message).toBeInstanceOf(TensorError);
      expect((error as Error).message).toContain(message);
    }
    expect(() => scope(() => method(make().x, 'cast')('float32'))).toThrow(DTypeError);
    expect(device.memory().liveTensors).toBe(live);
  });

  it('names the op that was called when there is no memory for its result', () => {
    const { device } = ctx;
    const most = device.limits.maxStorageBufferBindingSize / 4 + 4;
    expect(() => E.zeros!([most], { device })).toThrow(/^zeros: \d+ bytes exceed/);
    expect(() => E.empty!(device, [most])).toThrow(/^empty: /);
    expect(() => E.arange!(0, most, 1, { device })).toThrow(/^arange: /);
    expect(() => E.randn!([most], { key: 1, device })).toThrow(/^randn: /);
    using x = tensor([1], { device });
    const wide = scope(() => x.expand([most]));
    using owned = wide;
    for (const name of ['exp', 'contiguous', 'softmax', 'cumsum'])
      expect(() => scope(() => method(owned, name)()), name).toThrow(new RegExp(`^${name}: \\d+ bytes exceed`));
    expect(() => scope(() => owned.add(1))).toThrow(AllocationError);
    using captured = capture(({ y }: { y: Tensor }) => y.expand([most]).add(1), { device });
    expect(() => captured({ y: 1 })).toThrow(/^add: /);
  });
});
