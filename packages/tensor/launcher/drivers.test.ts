import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findDrivers } from './drivers.mjs';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'machine-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Puts empty files into the made-up machine. */
function install(...files: string[]): string[] {
  const paths = files.map((file) => join(root, file));
  for (const path of paths) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
  }
  return paths;
}

const find = (environment: NodeJS.ProcessEnv = {}) => findDrivers({ HOME: join(root, 'home/me'), ...environment }, root);

describe('findDrivers', () => {
  it('finds nothing on a bare machine', () => {
    expect(find()).toEqual({ chosen: [], hidden: false, hardware: [], lavapipe: [] });
  });

  it('counts a GPU driver only where its device is', () => {
    const [intel = '', lavapipe = ''] = install(
      'usr/share/vulkan/icd.d/intel_icd.x86_64.json',
      'usr/share/vulkan/icd.d/lvp_icd.x86_64.json',
    );
    expect(find()).toMatchObject({ hardware: [], lavapipe: [lavapipe] });
    install('dev/dri/card0');
    expect(find().hardware).toEqual([]);
    install('dev/dri/renderD128');
    expect(find()).toMatchObject({ hardware: [intel], lavapipe: [lavapipe] });
  });

  it.each(['dev/nvidia0', 'dev/dxg', 'dev/kgsl-3d0'])('takes %s as a GPU', (node) => {
    const [manifest = ''] = install('usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json', node);
    expect(find().hardware).toEqual([manifest]);
  });

  it('does not take the control node of a driver without GPUs for one', () => {
    install('etc/vulkan/icd.d/nvidia_icd.json', 'dev/nvidiactl', 'dev/nvidia-uvm');
    expect(find().hardware).toEqual([]);
  });

  it('looks in the folders of the loader, and takes a manifest found twice once, from the more specific', () => {
    install('dev/nvidia0', 'usr/share/vulkan/icd.d/nvidia_icd.json', 'usr/share/vulkan/icd.d/intel_icd.i686.json');
    const [etc = ''] = install('etc/vulkan/icd.d/nvidia_icd.json');
    const [ofUser = ''] = install('home/me/.local/share/vulkan/icd.d/lvp_icd.json');
    const [data = ''] = install('opt/data/vulkan/icd.d/radeon_icd.json');
    const found = find({ XDG_DATA_DIRS: '/opt/data:/usr/share' });
    expect([...found.hardware].sort()).toEqual([etc, data].sort());
    expect(found.lavapipe).toEqual([ofUser]);
  });

  it('respects a driver that the environment names, VK_DRIVER_FILES before the older name', () => {
    const [first = '', second = ''] = install('one.json', 'two.json');
    expect(find({ VK_ICD_FILENAMES: second }).chosen).toEqual([second]);
    expect(find({ VK_DRIVER_FILES: first, VK_ICD_FILENAMES: second }).chosen).toEqual([first]);
    expect(find({ VK_DRIVER_FILES: `${join(root, 'none.json')}:${second}` }).chosen).toEqual([second]);
  });

  it('takes names of files that do not exist for "no driver", and an empty name for none given', () => {
    install('usr/share/vulkan/icd.d/lvp_icd.json');
    expect(find({ VK_DRIVER_FILES: '/nonexistent.json' })).toEqual({ chosen: [], hidden: true, hardware: [], lavapipe: [] });
    expect(find({ VK_DRIVER_FILES: '' }).lavapipe).toHaveLength(1);
  });
});
