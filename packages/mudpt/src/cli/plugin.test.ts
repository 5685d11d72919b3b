import { copyFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { run, signalAt, start } from '../../test/child.ts';
import { notHere } from '../../test/services.ts';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { RunFolder } from '../runs/index.ts';

const PLUGIN = fileURLToPath(new URL('../../test/plugin.ts', import.meta.url));

eachDevice('a method and a data set of a plugin', () => {
  it.skipIf(notHere !== undefined)(
    'are named in help and suggestions, trained, stopped and resumed, evaluated on new classes, compared and explained',
    {
      timeout: 600_000,
    },
    async () => {
      await using at = await temporaryFolder();
      const [model, cache, out] = [join(at.path, 'model'), join(at.path, 'cache'), join(at.path, 'runs')];
      await writeShapes(join(at.path, 'drawings'), { train: 3, test: 2 });
      await writeTinyModel(model);

      const help = await run(['train', '--plugin', PLUGIN, '--method', 'shared-vpt', '--help'], cache);
      expect(help).toMatch(/or a name \([^)]*drawings\)/);
      expect(help.replaceAll(/\s+/g, ' ')).toMatch(/, shared-vpt\).*can set for VPT with shared prompts/);
      expect(await run(['train', '--plugin', PLUGIN, '--method', 'shared-vtp'], cache, 1)).toMatch(/did you mean shared-vpt\?/);

      const data = ['--data', 'drawings', '--root', at.path, '--classes', 'base', '--shots', '2'];
      const how = ['--method', 'shared-vpt', '--model', model, '--depth', '2', '--epochs', '2', '--batch', '2'];
      const words = [...data, ...how, '--out', out, '--set', 'logEvery=1', '--set', 'checkpointSeconds=0'];
      const stopped = start(['train', ...words, '--plugin', PLUGIN], cache);
      const folder = await folderOf(out);
      expect((await signalAt(stopped, folder.file('metrics'), 1, 'SIGINT')).code).toBe(130);
      // The run knows its plugin: nobody names it again.
      expect(await run(['train', '--resume', folder.path], cache)).toMatch(/gain: /);
      expect((await folder.readSummary()).state).toBe('finished');
      expect(await run(['evaluate', folder.path, '--classes', 'new'], cache)).toMatch(
        /drawings, new classes \(2\), 4 test pictures/,
      );
      expect(await run(['compare', out], cache)).toMatch(/^shared-vpt +drawings +base/m);
      expect(await run(['explain', folder.path], cache)).toMatch(/no text prompts were learnt\nreport /);
    },
  );

  it.skipIf(notHere !== undefined)(
    'are asked for by name where the plugin is not there any more',
    { timeout: 600_000 },
    async () => {
      await using at = await temporaryFolder();
      const [plugin, out, cache] = [join(at.path, 'moved.mjs'), join(at.path, 'runs'), join(at.path, 'cache')];
      const registry = new URL('../datasets/index.ts', import.meta.url).href;
      const reader = new URL('../data/index.ts', import.meta.url).href;
      await put(
        plugin,
        `import { registerDataset } from ${JSON.stringify(registry)};
import { openFolder } from ${JSON.stringify(reader)};
registerDataset({ name: 'drawn', summary: 'coloured shapes', template: 'a {}.', read: (folder) => openFolder(folder) });
`,
      );
      await writeShapes(join(at.path, 'drawn'), { train: 2, test: 1 });
      await writeTinyModel(join(at.path, 'model'));
      const words = ['--data', 'drawn', '--root', at.path, '--model', join(at.path, 'model'), '--shots', '1'];
      await run(['train', ...words, '--method', 'zero-shot', '--out', out, '--plugin', plugin], cache);
      const folder = await folderOf(out);
      const now = join(at.path, 'now.mjs');
      await copyFile(plugin, now);
      await rm(plugin);
      expect(await run(['evaluate', folder.path], cache, 1)).toMatch(/made with the plugin .*moved\.mjs, which is not there/);
      expect(await run(['evaluate', folder.path, '--plugin', now], cache)).toMatch(/4 test pictures/);
      await put(now, `${'// changed\n'}export {};\n`);
      expect(await run(['evaluate', folder.path, '--plugin', now], cache, 1)).toMatch(
        /registers neither a method nor a data set/,
      );
    },
  );
});

/** The only run below a folder, once it is there. */
async function folderOf(out: string): Promise<RunFolder> {
  for (;;) {
    const names = await readdir(out, { recursive: true }).catch((): string[] => []);
    const seed = names.find((name) => name.endsWith('seed1'));
    if (seed !== undefined) return new RunFolder(join(out, seed));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
