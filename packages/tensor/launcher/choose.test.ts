import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseAdapter, NoAdapterError, presentAdapters } from './choose.mjs';
import { swiftShaderArchive } from './swiftshader.mjs';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'machine-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function install(file: string): string {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  return path;
}

const KIND_OF_MANIFEST = {
  'nvidia_icd.json': 'gpu',
  'lvp_icd.json': 'lavapipe',
  'vk_swiftshader_icd.json': 'swiftshader',
} as const;

/** A machine whose drivers all work, except the manifests listed in `broken`. */
function machine(environment: NodeJS.ProcessEnv = {}, broken: readonly string[] = []) {
  const probed: NodeJS.ProcessEnv[] = [];
  const probe = (seen: NodeJS.ProcessEnv) => {
    probed.push({ ...seen });
    const manifest = basename(seen.VK_DRIVER_FILES ?? '') as keyof typeof KIND_OF_MANIFEST;
    const kind = KIND_OF_MANIFEST[manifest];
    return kind && !broken.includes(manifest) ? { kind, name: `the ${kind}` } : { kind: undefined, reason: 'it is broken' };
  };
  const platform = 'linux' as const;
  return {
    root,
    platform,
    probe,
    probed,
    environment: { HOME: join(root, 'home'), ...environment },
    archive: swiftShaderArchive('linux', 'x64'),
  };
}

const anyGpu = (seen: NodeJS.ProcessEnv) => ({ kind: 'gpu' as const, name: `Apple, ${seen.VK_DRIVER_FILES}` });
const lavapipe = () => install('usr/share/vulkan/icd.d/lvp_icd.json');

function nvidia(): string {
  install('dev/nvidia0');
  return install('etc/vulkan/icd.d/nvidia_icd.json');
}

describe('chooseAdapter', () => {
  it('prefers a GPU, then lavapipe, then SwiftShader', () => {
    expect(chooseAdapter(undefined, machine()).kind).toBe('swiftshader');
    const cpu = lavapipe();
    expect(chooseAdapter(undefined, machine())).toMatchObject({
      kind: 'lavapipe',
      environment: { VK_DRIVER_FILES: cpu, VK_ICD_FILENAMES: cpu },
    });
    const gpu = nvidia();
    expect(chooseAdapter(undefined, machine())).toMatchObject({
      kind: 'gpu',
      name: 'the gpu',
      environment: { VK_DRIVER_FILES: gpu },
    });
  });

  it('passes over drivers that do not work, such as Mesa before 24', () => {
    lavapipe();
    nvidia();
    expect(chooseAdapter(undefined, machine({}, ['nvidia_icd.json', 'lvp_icd.json'])).kind).toBe('swiftshader');
  });

  it('forces a kind, also against a driver that the environment names', () => {
    const cpu = lavapipe();
    nvidia();
    expect(chooseAdapter('lavapipe', machine()).kind).toBe('lavapipe');
    expect(chooseAdapter('swiftshader', machine({ VK_DRIVER_FILES: cpu })).kind).toBe('swiftshader');
    expect(chooseAdapter('software', machine()).kind).toBe('lavapipe');
    expect(() => chooseAdapter('gpu', machine({}, ['nvidia_icd.json']))).toThrow(/'gpu' is not available/);
    expect(() => chooseAdapter('cuda', machine())).toThrow(
      "adapter 'cuda' is unknown. Use one of gpu, lavapipe, swiftshader, software.",
    );
  });

  it('uses the driver that the environment names, and no other when that one fails', () => {
    const cpu = lavapipe();
    nvidia();
    expect(chooseAdapter(undefined, machine({ VK_DRIVER_FILES: cpu })).kind).toBe('lavapipe');
    expect(() => chooseAdapter(undefined, machine({ VK_DRIVER_FILES: cpu }, ['lvp_icd.json']))).toThrow(NoAdapterError);
  });

  it('falls to SwiftShader where the environment hides the drivers', () => {
    lavapipe();
    const hidden = { VK_DRIVER_FILES: '/nonexistent.json', VK_ICD_FILENAMES: '/nonexistent.json' };
    expect(chooseAdapter(undefined, machine(hidden)).kind).toBe('swiftshader');
    expect(() => chooseAdapter('lavapipe', machine(hidden))).toThrow(/hides the drivers/);
  });

  it('adds the bundled Vulkan loader only where the driver alone does not do', () => {
    nvidia();
    const plain = machine({ LD_LIBRARY_PATH: '/opt/lib' });
    expect(chooseAdapter(undefined, plain).environment.LD_LIBRARY_PATH).toBe('/opt/lib');
    const needsLoader = machine({ LD_LIBRARY_PATH: '/opt/lib' });
    const choice = chooseAdapter(undefined, {
      ...needsLoader,
      probe: (seen) =>
        seen.LD_LIBRARY_PATH?.endsWith('/loader') ? needsLoader.probe(seen) : { kind: undefined, reason: 'no libvulkan.so.1' },
    });
    expect(choice.kind).toBe('gpu');
    expect(choice.environment.LD_LIBRARY_PATH).toMatch(/^\/opt\/lib:.*\/swiftshader-[0-9a-f]{16}\/loader$/);
  });

  it("keeps Mesa's compiled shaders between runs, in the user's own place if there is one", () => {
    expect(chooseAdapter(undefined, machine()).environment.MESA_SHADER_CACHE_DIR).toBe(join(root, 'home/.cache/mudpt/mesa'));
    expect(chooseAdapter(undefined, machine({ MESA_SHADER_CACHE_DIR: '/mine' })).environment.MESA_SHADER_CACHE_DIR).toBe('/mine');
  });

  it('says what was tried and what helps when there is nothing', () => {
    lavapipe();
    const bare = { ...machine({}, ['lvp_icd.json']), archive: undefined };
    expect(() => chooseAdapter(undefined, bare)).toThrow(/no WebGPU adapter was found. Tried:\n.*lvp_icd.json: it is broken\n/);
    expect(() => chooseAdapter(undefined, bare)).toThrow(/What helps:\n/);
  });

  it("leaves macOS and Windows to find the system's adapter", () => {
    const mac = { ...machine(), platform: 'darwin' as const, archive: undefined, probe: anyGpu };
    expect(chooseAdapter(undefined, mac)).toMatchObject({ kind: 'gpu', name: 'Apple, undefined' });
    expect(() => chooseAdapter('lavapipe', mac)).toThrow(/it is gpu, Apple/);
  });
});

describe('presentAdapters', () => {
  it('lists every kind that works once, fastest first', () => {
    lavapipe();
    nvidia();
    expect(presentAdapters(machine()).map((one) => one.kind)).toEqual(['gpu', 'lavapipe', 'swiftshader']);
    expect(presentAdapters(machine({}, ['nvidia_icd.json'])).map((one) => one.kind)).toEqual(['lavapipe', 'swiftshader']);
  });

  it('stays with the driver that the environment names', () => {
    const cpu = lavapipe();
    expect(presentAdapters(machine({ VK_DRIVER_FILES: cpu })).map((one) => one.kind)).toEqual(['lavapipe']);
    expect(presentAdapters(machine({ VK_DRIVER_FILES: '/nonexistent.json' })).map((one) => one.kind)).toEqual(['swiftshader']);
  });
});
