import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@mudpt/testing/files';
import { expect, it } from 'vitest';
import { StreamedFile } from './streamed-file.ts';

it('appears whole when it is finished, with the parts that replaced others, and not at all when it is discarded', async () => {
  await using at = await temporaryFolder();
  const path = join(at.path, 'a');
  await writeFile(path, 'old');
  const file = new StreamedFile('test', path);
  await file.writeText('hello ');
  await file.writeText('world');
  expect(await readFile(path, 'utf8')).toBe('old');
  await file.write({ at: 0, bytes: new TextEncoder().encode('J') });
  await file.finish();
  await file.discard();
  expect(await readFile(path, 'utf8')).toBe('Jello world');
  const other = new StreamedFile('test', join(at.path, 'b'));
  await other.writeText('half');
  await other.discard();
  expect(await readdir(at.path)).toEqual(['a']);
  await new StreamedFile('test', join(at.path, 'empty')).finish();
  expect(await readFile(join(at.path, 'empty'), 'utf8')).toBe('');
});

it('tells whoever writes or finishes that the disk refuses', async () => {
  await using at = await temporaryFolder();
  const path = join(at.path, 'missing', 'a');
  const file = new StreamedFile('test', path);
  await expect(
    (async () => {
      for (let part = 0; part < 100; part += 1) await file.writeText('x');
      await file.finish();
    })(),
  ).rejects.toThrow(/test: .*missing\/a: the temporary file beside it cannot be made/);
  await expect(new StreamedFile('test', path).finish()).rejects.toThrow(/cannot be made/);
});
