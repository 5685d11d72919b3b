import { createAsyncContext, openGpu, readEnvironment } from '#gpu';
import { describe, expect, it } from 'vitest';
import { ranOn } from '@mudpt/testing/adapter-meta';
import { DeviceError } from '../errors.ts';
import { adapterKind, describeAdapter, requestAdapterAndDevice } from './adapter.ts';

const LAVAPIPE = {
  vendor: 'mesa',
  architecture: 'software',
  device: 'llvmpipe-llvm-15-0-6-256-bits-',
  description: 'llvmpipe: Mesa 25.0.7-2~bpo12+1 (LLVM 15.0.6) 0.0.1',
  isFallbackAdapter: true,
  subgroupMinSize: 8,
  subgroupMaxSize: 8,
} as GPUAdapterInfo;

describe('describeAdapter', () => {
  it.each([
    ['swiftshader', { architecture: 'swiftshader', device: '', description: '', isFallbackAdapter: true }],
    ['swiftshader', { architecture: '', device: '', description: 'SwiftShader driver 5.0.0', isFallbackAdapter: false }],
    ['lavapipe', LAVAPIPE],
    ['gpu', { architecture: 'hopper', device: 'nvidia-h200', description: 'NVIDIA: 570.1', isFallbackAdapter: false }],
    [
      'software',
      { architecture: 'software', device: 'warp', description: 'Microsoft Basic Render Driver', isFallbackAdapter: false },
    ],
    ['software', { architecture: '', device: '', description: '', isFallbackAdapter: true }],
  ])('knows %s', (kind, info) => {
    expect(adapterKind(info)).toBe(kind);
  });

  it('counts only the features of the device', () => {
    const all = describeAdapter(LAVAPIPE, new Set(['subgroups', 'shader-f16', 'timestamp-query', 'subgroup-size-control']));
    expect(all).toMatchObject({
      subgroupSize: 8,
      subgroupMin: 8,
      subgroupMax: 8,
      f16: true,
      timestamps: true,
      subgroupSizeControl: true,
    });
    expect(all.name).toBe(LAVAPIPE.description);
    const none = describeAdapter(LAVAPIPE, new Set());
    expect(none).toMatchObject({
      subgroupSize: 0,
      subgroupMin: 0,
      subgroupMax: 0,
      f16: false,
      timestamps: false,
      subgroupMatrix: [],
    });
  });

  it('gives no subgroup size where it varies or is not told', () => {
    const features = new Set(['subgroups']);
    const { subgroupMinSize: _min, subgroupMaxSize: _max, ...untold } = LAVAPIPE;
    expect(describeAdapter({ ...LAVAPIPE, subgroupMaxSize: 32 }, features)).toMatchObject({
      subgroupSize: 0,
      subgroupMin: 8,
      subgroupMax: 32,
    });
    expect(describeAdapter(untold as GPUAdapterInfo, features).subgroupSize).toBe(0);
  });

  it('reads matrix shapes and names an anonymous adapter', () => {
    const config = { componentType: 'f16', resultComponentType: 'f32', M: 16, N: 16, K: 16 };
    const bare = {
      vendor: '',
      architecture: '',
      device: '',
      description: '',
      isFallbackAdapter: false,
      subgroupMatrixConfigs: [config],
    };
    const info = describeAdapter(bare as unknown as GPUAdapterInfo, new Set(['chromium-experimental-subgroup-matrix']));
    expect(info.subgroupMatrix).toEqual([config]);
    expect(info.name).toBe('gpu');
  });

  it('has a key that is a file name, stable, and different where kernels may differ', () => {
    const features = new Set(['subgroups', 'shader-f16']);
    const { key } = describeAdapter(LAVAPIPE, features);
    expect(key).toMatch(/^lavapipe-[a-z0-9-]+-[0-9a-f]{8}$/);
    expect(describeAdapter({ ...LAVAPIPE }, features).key).toBe(key);
    expect(describeAdapter(LAVAPIPE, new Set(['subgroups'])).key).not.toBe(key);
    expect(describeAdapter({ ...LAVAPIPE, description: 'llvmpipe: Mesa 26' }, features).key).not.toBe(key);
  });
});

describe('requestAdapterAndDevice', () => {
  it('gives everything the adapter has', async ({ task }) => {
    const gpu = await openGpu('on');
    const { adapter, device, info } = await requestAdapterAndDevice({ gpu });
    ranOn(task, info);
    expect(info.name).not.toBe('');
    expect(device.limits.maxStorageBufferBindingSize).toBe(adapter.limits.maxStorageBufferBindingSize);
    expect(device.limits.maxComputeInvocationsPerWorkgroup).toBe(adapter.limits.maxComputeInvocationsPerWorkgroup);
    expect(info.f16).toBe(adapter.features.has('shader-f16'));
    expect(info.subgroupMax > 0).toBe(adapter.features.has('subgroups'));
    expect(describeAdapter(device.adapterInfo, device.features)).toEqual(info);
    device.destroy();
  });

  it('gives the weakest device on demand', async ({ task }) => {
    const gpu = await openGpu('on');
    const { device, info } = await requestAdapterAndDevice({ gpu, limits: 'default' });
    ranOn(task, info);
    expect(device.limits.maxStorageBufferBindingSize).toBe(134_217_728);
    expect(device.limits.maxStorageBuffersPerShaderStage).toBe(8);
    expect(device.limits.maxComputeInvocationsPerWorkgroup).toBe(256);
    expect(info).toMatchObject({ subgroupSize: 0, f16: false, timestamps: false });
    device.destroy();
  });

  it('refuses another kind, a feature that is missing, and a machine without adapter', async () => {
    const gpu = await openGpu('on');
    const { info, device } = await requestAdapterAndDevice({ gpu });
    device.destroy();
    const other = info.kind === 'lavapipe' ? 'swiftshader' : 'lavapipe';
    await expect(requestAdapterAndDevice({ gpu, adapter: other })).rejects.toThrow(DeviceError);
    await expect(requestAdapterAndDevice({ gpu, features: ['no-such-feature'] })).rejects.toThrow(
      /lacks the required no-such-feature/,
    );
    const empty = { requestAdapter: async () => null } as unknown as GPU;
    await expect(requestAdapterAndDevice({ gpu: empty })).rejects.toThrow(/no WebGPU adapter was found/);
  });
});

describe('platform', () => {
  it('opens one instance for equal options', async () => {
    expect(await openGpu('on')).toBe(await openGpu('on'));
  });

  it('reads an unset variable as undefined', () => {
    expect(readEnvironment('MUDPT_NO_SUCH_VARIABLE')).toBeUndefined();
  });

  it('carries a value through await where the platform can', async () => {
    const context = createAsyncContext<number>();
    if (!context) return expect(globalThis.process?.versions?.node, 'Node can').toBeUndefined();
    const after = await context.run(7, async () => {
      await Promise.resolve();
      return context.get();
    });
    expect(after).toBe(7);
    expect(context.get()).toBeUndefined();
  });
});
