import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { advice, distribution } from './advice.mjs';
import { cacheFolder } from './cache.mjs';
import { swiftShaderArchive, unpackSwiftShader } from './swiftshader.mjs';
import { untar } from './untar.mjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function tarEntry(name: string, content: string, kind = '0', size = content.length.toString(8)): Uint8Array {
  const bytes = new Uint8Array(512 + Math.ceil(content.length / 512) * 512);
  const encoder = new TextEncoder();
  bytes.set(encoder.encode(name));
  bytes.set(encoder.encode(size), 124);
  bytes.set(encoder.encode(kind), 156);
  bytes.set(encoder.encode(content), 512);
  return bytes;
}

describe('untar', () => {
  it('gives the files, skips folders, stops at the end mark', () => {
    const archive = Buffer.concat([
      tarEntry('./a', 'one'),
      tarEntry('dir/', '', '5'),
      tarEntry('b', 'x'.repeat(600)),
      new Uint8Array(1024),
    ]);
    const files = untar(archive);
    expect([...files.keys()]).toEqual(['a', 'b']);
    expect(Buffer.from(files.get('a') ?? []).toString()).toBe('one');
    expect(files.get('b')).toHaveLength(600);
  });

  it('refuses an archive cut short and a size that is none', () => {
    expect(() => untar(tarEntry('a', 'x'.repeat(600)).subarray(0, 700))).toThrow('the archive ends inside a');
    expect(() => untar(tarEntry('a', 'one', '0', '12x'))).toThrow("not an octal number: '12x'");
  });
});

describe('cacheFolder', () => {
  it('prefers XDG_CACHE_HOME, then the home folder, per system', () => {
    expect(cacheFolder({ XDG_CACHE_HOME: join(folder, 'x'), HOME: folder }, 'linux')).toBe(join(folder, 'x', 'mudpt'));
    expect(cacheFolder({ HOME: folder }, 'linux')).toBe(join(folder, '.cache', 'mudpt'));
    expect(cacheFolder({ HOME: folder }, 'darwin')).toBe(join(folder, 'Library', 'Caches', 'mudpt'));
    expect(cacheFolder({ LOCALAPPDATA: folder, HOME: folder }, 'win32')).toBe(join(folder, 'mudpt'));
  });

  it('takes a private folder below the temporary one where home cannot be written', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const found = cacheFolder({ HOME: file, XDG_CACHE_HOME: join(file, 'x') }, 'linux');
    expect(found.startsWith(tmpdir())).toBe(true);
    expect(statSync(found).mode & 0o022).toBe(0);
  });
});

const archive = swiftShaderArchive();
describe.runIf(archive)('unpackSwiftShader', () => {
  const here = archive ?? '';

  it('unpacks driver and loader once, nothing else on the library path', () => {
    const { driver, loaderFolder } = unpackSwiftShader(here, folder);
    expect(JSON.parse(readFileSync(driver, 'utf8')).ICD.library_path).toBe('./libvk_swiftshader.so');
    expect(readdirSync(loaderFolder)).toEqual(['libvulkan.so.1']);
    const before = statSync(driver).mtimeMs;
    unpackSwiftShader(here, folder);
    expect(statSync(driver).mtimeMs).toBe(before);
  });

  it('mends a folder that lost a file', () => {
    const { loaderFolder } = unpackSwiftShader(here, folder);
    rmSync(join(loaderFolder, 'libvulkan.so.1'));
    unpackSwiftShader(here, folder);
    expect(statSync(join(loaderFolder, 'libvulkan.so.1')).size).toBeGreaterThan(100_000);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('lets several processes unpack at once', async () => {
    const module = JSON.stringify(new URL('./swiftshader.mjs', import.meta.url).href);
    const code = `import { unpackSwiftShader } from ${module}; unpackSwiftShader(...process.argv.slice(1))`;
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', code, here, folder], { stdio: 'inherit' }),
    );
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
    expect(codes).toEqual([0, 0, 0, 0]);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('says what is missing in a strange archive', () => {
    const strange = join(folder, 'strange.tar.br');
    writeFileSync(strange, 'not brotli');
    expect(() => unpackSwiftShader(strange, folder)).toThrow();
    expect(readdirSync(folder)).toEqual(['strange.tar.br']);
  });
});

describe('advice', () => {
  it.each([
    ['debian', 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n'],
    ['debian', 'ID=raspbian\nID_LIKE=debian\n'],
    ['ubuntu', 'ID=linuxmint\nID_LIKE="ubuntu debian"\n'],
    ['fedora', 'ID="rhel"\nID_LIKE="fedora"\n'],
    ['suse', 'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n'],
    ['arch', 'ID=arch\n'],
    [undefined, ''],
  ])('knows %s', (name, osRelease) => {
    expect(distribution(osRelease)).toBe(name);
  });

  it("names this system's packages, or all where it is unknown", () => {
    expect(advice('linux', [], 'ID=fedora')).toMatch(/dnf install/);
    expect(advice('linux', [], 'ID=fedora')).not.toMatch(/apt-get/);
    expect(advice('linux', [], '')).toMatch(/apt-get.*pacman/s);
    expect(advice('darwin')).toMatch(/Metal/);
    expect(advice('win32')).toMatch(/Direct3D 12/);
  });

  it('says only what would help further', () => {
    expect(advice('linux', ['swiftshader'], 'ID=debian')).toMatch(/^ {2}Debian 12.*GPU/s);
    expect(advice('linux', ['lavapipe', 'swiftshader'], 'ID=debian')).toMatch(/^ {2}A GPU/);
    expect(advice('linux', ['gpu', 'lavapipe'], 'ID=debian')).toBe('  Nothing: a GPU is in use.');
  });
});
