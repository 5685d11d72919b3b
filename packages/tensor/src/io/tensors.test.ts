import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { failureOf } from '@mudpt/testing/failure';
import { DTypeError, FormatError } from '../errors.ts';
import { tensor } from '../ops/create/create.ts';
import { view } from '../definition/views.ts';
import { openSafetensors } from './safetensors.ts';
import { loadTensor, tensorToWrite } from './tensors.ts';
import { serializeSafetensors, type TensorToWrite } from './writer.ts';

const FILE = serializeSafetensors({
  f32: { dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, -0, Infinity, 1e-45) },
  f64: { dtype: 'F64', shape: [1], data: Float64Array.of(0.1) },
  f16: { dtype: 'F16', shape: [3], data: Uint16Array.of(0x3c00, 0x0001, 0xfbff) },
  bf16: { dtype: 'BF16', shape: [1], data: Uint16Array.of(0xc020) },
  i64: { dtype: 'I64', shape: [2], data: BigInt64Array.of(-5n, 2n ** 31n - 1n) },
  wide: { dtype: 'I64', shape: [1], data: BigInt64Array.of(2n ** 31n) },
  u8: { dtype: 'U8', shape: [2], data: Uint8Array.of(0, 255) },
  bool: { dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) },
  empty: { dtype: 'F32', shape: [0, 3], data: new Float32Array(0) },
  scalar: { dtype: 'I32', shape: [], data: Int32Array.of(-7) },
});

eachDevice('tensors of a file', (ctx) => {
  it('arrive on the device with the nearest dtype', async () => {
    const file = await openSafetensors(FILE);
    const { device } = ctx;
    const half = device.hasF16 ? 'f16' : 'f32';
    for (const [name, dtype, shape, values] of [
      ['f32', 'f32', [2, 2], Float32Array.of(1, -0, Infinity, 1e-45)],
      ['f64', 'f32', [1], Float32Array.of(0.1)],
      ['f16', half, [3], Float32Array.of(1, 2 ** -24, -65504)],
      ['bf16', 'f32', [1], Float32Array.of(-2.5)],
      ['i64', 'i32', [2], Int32Array.of(-5, 2 ** 31 - 1)],
      ['u8', 'u32', [2], Uint32Array.of(0, 255)],
      ['bool', 'bool', [3], Uint8Array.of(1, 0, 1)],
      ['empty', 'f32', [0, 3], new Float32Array(0)],
      ['scalar', 'i32', [], Int32Array.of(-7)],
    ] as const) {
      using loaded = await loadTensor(file, name, { device });
      expect([name, loaded.dtype, loaded.shape, await loaded.data()]).toEqual([name, dtype, shape, values]);
    }
  });

  it('arrive with the dtype asked for, or an error', async () => {
    const file = await openSafetensors(FILE);
    const { device } = ctx;
    using floats = await loadTensor(file, 'u8', { device, dtype: 'f32' });
    expect(await floats.data()).toEqual(Float32Array.of(0, 255));
    expect(await failureOf(() => loadTensor(file, 'wide', { device }))).toBeInstanceOf(FormatError);
    expect(await failureOf(() => loadTensor(file, 'f64', { device, dtype: 'i32' }))).toBeInstanceOf(DTypeError);
  });

  it('are written from the device, strided views too, and come back bit by bit', async () => {
    const { device } = ctx;
    using matrix = tensor(Float32Array.of(1, 2, 3, 4, 5, 6), { shape: [2, 3], device });
    using transposed = view(matrix, { shape: [3, 2], strides: [1, 3] });
    using flags = tensor([1, 0], { dtype: 'bool', device });
    using half = tensor([0.1, -65504], { dtype: device.hasF16 ? 'f16' : 'f32', device });
    const fetched: Record<string, TensorToWrite> = {};
    for (const [name, source] of Object.entries({ transposed, flags, half })) {
      const entry = tensorToWrite(source);
      if (typeof entry.data !== 'function') throw new Error('a tensor is read when its turn comes');
      fetched[name] = { ...entry, data: await entry.data() };
    }
    const file = await openSafetensors(serializeSafetensors(fetched));
    for (const [name, source] of Object.entries({ transposed, flags, half })) {
      using back = await loadTensor(file, name, { device });
      expect([back.dtype, back.shape, await back.data()]).toEqual([source.dtype, source.shape, await source.data()]);
    }
    expect((await file.read('transposed')).bytes).toEqual(new Uint8Array(Float32Array.of(1, 4, 2, 5, 3, 6).buffer));
  });
});
