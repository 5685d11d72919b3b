import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const folder = new URL('.', import.meta.url);

it('only the Node half of #file imports Node modules', async () => {
  const sources = (await readdir(folder)).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  const importers: string[] = [];
  for (const name of sources) {
    const text = await readFile(new URL(name, folder), 'utf8');
    if (/from 'node:|import\('node:|\bBuffer\b(?!\w)\.|\bprocess\./.test(text)) importers.push(name);
  }
  expect(sources).toContain('file.browser.ts');
  expect(importers).toEqual(['file.node.ts', 'lock.node.ts']);
});

it('under the browser condition paths are refused with a way out, bytes work', async () => {
  const script = `
    import { openSafetensors } from ${JSON.stringify(new URL('safetensors.ts', folder).href)};
    import { serializeSafetensors, writeSafetensors } from ${JSON.stringify(new URL('writer.ts', folder).href)};
    const bytes = serializeSafetensors({ w: { dtype: 'U8', shape: [2], data: Uint8Array.of(4, 5) } });
    const { bytes: read } = await (await openSafetensors(new Blob([bytes]))).read('w');
    const refused = [];
    for (const action of [() => openSafetensors('model.safetensors'), () => writeSafetensors('x.safetensors', {})]) {
      await action().catch((error) => refused.push(error.message));
    }
    console.log(JSON.stringify({ read: [...read], refused }));
  `;
  const root = fileURLToPath(new URL('../../../../', import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=browser', '--import', 'tsx', '--input-type=module', '--eval', script],
    { cwd: root },
  );
  const { read, refused } = JSON.parse(stdout) as { read: number[]; refused: string[] };
  expect(read).toEqual([4, 5]);
  expect(refused).toHaveLength(2);
  expect(refused[0]).toMatch(/a browser has no file paths.*pass a File or Blob, bytes, or an http\(s\) URL/);
  expect(refused[1]).toMatch(/a browser has no file paths.*serializeSafetensors/);
});
