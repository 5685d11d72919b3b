import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { adapterKind } from '../src/engine/adapter.ts';
import type * as published from '../types/launcher.d.ts';
import * as launcher from './index.mjs';
import { parseArguments } from './launch.mjs';
import { kindOf } from './probe.mjs';

const LAUNCHER = fileURLToPath(new URL('./main.mjs', import.meta.url));
const WORKSPACE_LAUNCHER = fileURLToPath(new URL('../../../scripts/launch.mjs', import.meta.url));

function launch(words: string[], environment: NodeJS.ProcessEnv = {}) {
  return spawnSync(process.execPath, [LAUNCHER, ...words], { encoding: 'utf8', env: { ...process.env, ...environment } });
}

it('its declarations are those of what it exports', () => {
  const declared: Omit<typeof published, 'advice' | 'NoAdapterError'> = launcher;
  const names: (keyof typeof published)[] = ['NoAdapterError', 'advice', 'chooseAdapter', 'describeDevice'];
  names.push('doctor', 'examineAdapters', 'launch', 'presentAdapters');
  expect(Object.keys(declared).sort()).toEqual(names);
});

describe('parseArguments', () => {
  it('splits its options from the command, whose own stay untouched', () => {
    expect(parseArguments(['vitest', '--adapter', 'x'], {})).toEqual({
      adapter: undefined,
      command: ['vitest', '--adapter', 'x'],
    });
    expect(parseArguments(['--adapter', 'gpu', 'tsx', 'a.ts'], {})).toEqual({ adapter: 'gpu', command: ['tsx', 'a.ts'] });
    expect(parseArguments(['--adapter=gpu', '--', 'tsx'], {})).toEqual({ adapter: 'gpu', command: ['tsx'] });
  });

  it('takes the variable where the option is not given', () => {
    expect(parseArguments(['tsx'], { MUDPT_ADAPTER: 'lavapipe' })?.adapter).toBe('lavapipe');
    expect(parseArguments(['--adapter', 'gpu', 'tsx'], { MUDPT_ADAPTER: 'lavapipe' })?.adapter).toBe('gpu');
    expect(parseArguments(['tsx'], { MUDPT_ADAPTER: '' })?.adapter).toBeUndefined();
  });

  it('needs a command', () => {
    expect(parseArguments(['--adapter', 'gpu'], {})).toBeUndefined();
    expect(parseArguments(['--adapter', 'gpu', '--help'], {}, ['node', 'a.js'])).toEqual({
      adapter: 'gpu',
      command: ['node', 'a.js', '--help'],
    });
    expect(launch([])).toMatchObject({ status: 2, stderr: expect.stringContaining('usage:') });
  });
});

describe('launch', () => {
  it('runs the command under the adapter it names, on stderr in one line', () => {
    const { status, stdout, stderr } = launch(['node', '-e', 'console.log(process.env.MUDPT_ADAPTER)']);
    expect(status).toBe(0);
    expect(stderr).toMatch(new RegExp(`^adapter: ${stdout.trim()}, .+\\n$`));
  });

  it('is quiet on demand, and passes the exit code on', () => {
    expect(launch(['node', '-e', 'process.exit(7)'], { MUDPT_QUIET: '1' })).toMatchObject({ status: 7, stdout: '', stderr: '' });
  });

  it('finds commands of the workspace, and says when there is none', () => {
    expect(launch(['tsx', '-e', 'console.log(1 as number)']).stdout).toBe('1\n');
    expect(launch(['no-such-command'])).toMatchObject({
      status: 127,
      stderr: expect.stringContaining("no command 'no-such-command'"),
    });
  });

  it('the workspace has its commands at hand from any folder', () => {
    const words = [WORKSPACE_LAUNCHER, 'tsx', '-e', 'console.log(2 as number)'];
    const { stdout } = spawnSync(process.execPath, words, { encoding: 'utf8', cwd: tmpdir() });
    expect(stdout).toBe('2\n');
    expect(spawnSync(process.execPath, [WORKSPACE_LAUNCHER], { encoding: 'utf8' }).stderr).toContain(
      'usage: node scripts/launch.mjs',
    );
  });

  it('stops with the reason when the adapter is not to be had', () => {
    expect(launch(['--adapter', 'voodoo', 'node'])).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('unknown'),
    });
  });

  it.runIf(process.platform !== 'win32')('passes a signal on and ends like the command', async () => {
    const program = "process.on('SIGTERM', () => process.exit(5)); setInterval(() => {}, 1000); console.log('up')";
    const child = spawn(process.execPath, [LAUNCHER, 'node', '-e', program], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(5);
  });
});

describe('kindOf', () => {
  it.each([
    ['', 'swiftshader', '', true],
    ['google', '', 'SwiftShader driver 5.0.0', false],
    ['software', 'llvmpipe-llvm-15', 'llvmpipe: Mesa 25.0.7', true],
    ['software', 'warp', 'Microsoft Basic Render Driver', false],
    ['', '', '', true],
    ['hopper', 'h200', 'NVIDIA: 570', false],
  ])('agrees with the engine on %s %s %s', (architecture, device, description, isFallbackAdapter) => {
    const info = { vendor: '', architecture, device, description, isFallbackAdapter };
    expect(kindOf(info)).toBe(adapterKind(info));
  });
});

describe('commands of its own', () => {
  it('doctor takes the option on either side, and nothing else', () => {
    for (const words of [
      ['doctor', '--adapter', 'voodoo'],
      ['--adapter', 'voodoo', 'doctor'],
    ])
      expect(launch(words)).toMatchObject({ status: 1, stderr: expect.stringContaining("adapter 'voodoo' is unknown") });
    expect(launch(['doctor', 'who'])).toMatchObject({ status: 2, stderr: expect.stringContaining("'who' is not known here") });
  });

  it('a command of yours by that name starts after --', () => {
    expect(launch(['--', 'doctor'])).toMatchObject({ status: 127, stderr: expect.stringContaining("no command 'doctor'") });
  });
});
