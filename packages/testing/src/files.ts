/** Files for tests in Node: fixtures by path, and temporary folders. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fixtureUrl } from './fixtures.ts';

/** Path of a file or folder in fixtures/. */
export function fixturePath(name: string): string {
  return fileURLToPath(fixtureUrl(name));
}

/** Writes a file and the folders above it. */
export async function put(path: string, contents: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, contents);
}

/** A folder that is gone after the `await using` block. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'mudpt-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
