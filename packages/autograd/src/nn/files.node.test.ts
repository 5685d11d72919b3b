import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cast, tensor } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import {
  isTrainable,
  LayerNorm,
  Linear,
  loadModule,
  loadTensors,
  Module,
  randomFrom,
  saveModule,
  saveTensors,
} from '../index.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'autograd-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

eachDevice('module files', (ctx) => {
  class Net extends Module {
    readonly layers: readonly Linear[];
    readonly norm: LayerNorm;

    constructor(seed: number) {
      super();
      const options = { device: ctx.device, random: randomFrom(seed) };
      this.layers = [new Linear(3, 2, options), new Linear(2, 2, options)];
      this.norm = new LayerNorm(2, options);
    }
  }
  const valuesOf = async (module: Module) =>
    await Promise.all([...module.namedTensors()].map(async ([name, tensor]) => [name, await tensor.data()]));

  it('saves a module to a path and loads it into another one, frozen tensors too', async () => {
    const path = join(folder, 'net.safetensors');
    using first = new Net(1);
    first.norm.freeze();
    await saveModule(first, path, { metadata: { step: '7' } });
    using second = new Net(2);
    expect(await valuesOf(second)).not.toEqual(await valuesOf(first));
    await loadModule(second, path);
    expect(await valuesOf(second)).toEqual(await valuesOf(first));
    // Whether a tensor is learnt is a property of the module, not of the file.
    expect(isTrainable(second.norm.weight!)).toBe(true);
    // Saving again replaces the file as a whole and leaves no temporary one.
    await saveModule(second, path);
    expect(await readdir(folder)).toEqual(['net.safetensors']);
  });

  it('loads what fits, and says what does not', async () => {
    using net = new Net(3);
    using linear = new Linear(3, 2, { device: ctx.device, random: randomFrom(4) });
    const path = join(folder, 'part.safetensors');
    await saveTensors(path, { 'layers.0.weight': linear.weight });
    await expect(loadModule(net, path)).rejects.toThrow(/missing: layers\.0\.bias, .*unknown: none/);
    await loadModule(net, path, { strict: false });
    expect(await net.layers[0]?.weight.data()).toEqual(await linear.weight.data());
    await saveTensors(path, { 'layers.0.weight': linear.bias! });
    await expect(loadModule(net, path, { strict: false })).rejects.toThrow(/layers\.0\.weight has shape \[2\]/);
    await writeFile(path, 'no safetensors at all');
    await expect(loadModule(net, path)).rejects.toThrow(/part\.safetensors|safetensors/);
    await expect(loadModule(net, join(folder, 'absent.safetensors'))).rejects.toThrow(/absent\.safetensors/);
  });

  it('keeps dtypes', async ({ skip }) => {
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    const path = join(folder, 'half.safetensors');
    using x = tensor([0.5, -3, 65504], { device: ctx.device });
    using half = cast(x, 'f16');
    await saveTensors(path, { half });
    const { half: loaded } = await loadTensors(path, ctx.device);
    expect([loaded?.dtype, ...((await loaded?.data()) ?? [])]).toEqual(['f16', 0.5, -3, 65504]);
    loaded?.dispose();
  });
});
