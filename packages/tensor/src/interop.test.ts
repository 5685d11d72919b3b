import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { copyInto, exportBuffer, importBuffer, tensor } from './index.ts';
import { view } from './kernels.ts';

eachDevice('shared buffers', (ctx) => {
  it('shares memory with code that speaks WebGPU itself', async () => {
    const { gpu } = ctx.device;
    const buffer = gpu.createBuffer({ size: 16, usage: 0x80 | 0x04 | 0x08 });
    gpu.queue.writeBuffer(buffer, 0, Float32Array.of(1, 2, 3, 4));
    using x = importBuffer(buffer, [4], 'f32', ctx.device);
    using y = x.mul(3);
    const { buffer: exported, offset, size } = exportBuffer(y);
    await ctx.device.settle();
    const encoder = gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(exported, offset, buffer, 0, size);
    gpu.queue.submit([encoder.finish()]);
    expect(await x.data()).toEqual(Float32Array.of(3, 6, 9, 12));
    expect(() => importBuffer(buffer, [5], 'f32', ctx.device)).toThrow(/takes 20 bytes/);
    using strided = view(y, { shape: [2], strides: [2] });
    expect(() => exportBuffer(strided)).toThrow(/strided view/);
    buffer.destroy();
  });

  it('imports parts of a buffer of any size', async () => {
    const { device } = ctx;
    const { gpu } = device;
    const buffer = gpu.createBuffer({ size: 44, usage: 0x80 | 0x04 | 0x08 });
    gpu.queue.writeBuffer(
      buffer,
      0,
      Float32Array.from({ length: 11 }, (_, i) => i),
    );
    using head = importBuffer(buffer, [2, 2], { offset: 4, device });
    using tail = importBuffer(buffer, [3], { offset: 20, device });
    expect(await head.data()).toEqual(Float32Array.of(1, 2, 3, 4));
    using values = tensor([30, 20, 10], { device });
    copyInto(tail, values);
    using negative = head.neg();
    using all = importBuffer(buffer, [11], { copy: true, device });
    expect(await negative.data()).toEqual(Float32Array.of(-1, -2, -3, -4));
    expect(await all.data()).toEqual(Float32Array.of(0, 1, 2, 3, 4, 30, 20, 10, 8, 9, 10));
    expect(tail.storage).toBe(head.storage);
    expect(() => importBuffer(buffer, [9], { device })).toThrow(/reaches into the last 12 of 44 bytes/);
    expect(() => importBuffer(buffer, [2], { offset: 40, device })).toThrow(/takes 8 bytes from byte 40 on/);
    expect(() => importBuffer(buffer, [2], { offset: 2, device })).toThrow(/offset is 2 bytes/);
    await device.settle();
    buffer.destroy();
  });
});
