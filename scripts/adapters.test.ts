import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('./adapters.mjs', import.meta.url));

function adapters(words: string[], environment: NodeJS.ProcessEnv = {}) {
  return spawnSync(process.execPath, [PROGRAM, ...words], { encoding: 'utf8', env: { ...process.env, ...environment } });
}

// The same whatever limits the rest of the suite runs with.
describe.skipIf(process.env.TENSOR_LIMITS)('pnpm adapters', () => {
  it('prints what was found, what the chosen one offers and does, and what helps', () => {
    const { status, stdout, stderr } = adapters([]);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^ {2}works {4}\w+: .+$/m);
    expect(stdout).toMatch(/^Chosen: \w+/m);
    expect(stdout).toMatch(/^ {2}largest tensor +\d+ MiB$/m);
    expect(stdout).toMatch(/^ {2}f32 multiply-adds +[\d.]+ GFLOP\/s( of all cores, were they free)?$/m);
    expect(stdout).toMatch(/^For a faster adapter\n {2}\S/m);
    expect(status).toBe(0);
  });

  it('says so when an adapter cannot be had', () => {
    expect(adapters(['--adapter', 'voodoo'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("adapter 'voodoo' is unknown"),
    });
  });
});
