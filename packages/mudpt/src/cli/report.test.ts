import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { png } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { describe, expect, it } from 'vitest';
import { run, start } from '../../test/child.ts';
import { RunFolder } from '../runs/index.ts';

/** Class folders of plain colours. */
async function writeColours(folder: string, classes: number, test: number): Promise<void> {
  for (let label = 0; label < classes; label += 1)
    for (let index = 0; index <= test; index += 1) {
      const colour = [(label * 37) % 256, (label * 91) % 256, (index * 50) % 256] as const;
      await put(
        join(folder, index === 0 ? 'train' : 'test', `colour_${label}`, `${index}.png`),
        png(16, () => colour),
      );
    }
}

/** The one run below a folder. */
async function runBelow(out: string): Promise<RunFolder> {
  const found = (await readdir(out, { recursive: true })).find((name) => name.endsWith('config.yaml'));
  return new RunFolder(join(out, found ?? 'none', '..'));
}

describe('the report of a train process', () => {
  const words = (at: string, out: string, ...more: string[]): string[] => [
    ...['train', '--data', join(at, 'colours'), '--model', join(at, 'model'), '--out', join(at, out)],
    ...['--method', 'zero-shot', '--shots', 'all', ...more],
  ];

  it('is left out by --report no, and by a SIGTERM while it is made: the process ends at once, and nothing of the run is lost', {
    timeout: 300_000,
  }, async () => {
    await using at = await temporaryFolder();
    const cache = join(at.path, 'cache');
    await writeColours(join(at.path, 'colours'), 150, 4);
    await writeTinyModel(join(at.path, 'model'));

    const without = await run(words(at.path, 'without', '--report', 'no'), cache);
    expect(without).toMatch(/no report was written; for one: pnpm explain /);
    const silent = await runBelow(join(at.path, 'without'));
    for (const file of ['report.html', 'classes.png', 'embedding.json']) expect(existsSync(join(silent.path, file))).toBe(false);

    const running = start(words(at.path, 'stopped'), cache);
    const isFinished = async (): Promise<boolean> => {
      const folder = await runBelow(join(at.path, 'stopped')).catch(() => undefined);
      const text = folder && (await readFile(folder.file('summary'), 'utf8').catch(() => ''));
      return text?.includes('"state": "finished"') ?? false;
    };
    while (!(await isFinished())) {
      if (running.child.exitCode !== null) throw new Error(`it ended before: ${(await running.ended).output}`);
      await sleep(5);
    }
    running.child.kill('SIGTERM');
    const { code, output } = await running.ended;
    // What was asked for is done but for the report, which `explain` makes.
    expect([code, output]).toEqual([
      0,
      expect.stringMatching(/stopping \(once more[^]*no report was written; for one: pnpm explain /),
    ]);
    const stopped = await runBelow(join(at.path, 'stopped'));
    expect(existsSync(join(stopped.path, 'report.html'))).toBe(false);
    expect((await readdir(stopped.path)).filter((name) => name.includes('.tmp') || name === 'run.lock')).toEqual([]);
    const [summary, whole] = [await stopped.readSummary(), await silent.readSummary()];
    expect(summary.state).toBe('finished');
    expect(summary.evaluations.map(({ metrics }) => metrics)).toEqual(whole.evaluations.map(({ metrics }) => metrics));
    expect(await stopped.readPredictions(summary.lengths?.predictions)).toHaveLength(600);
    expect(await run(['explain', stopped.path], cache)).toMatch(/report {2}.*report\.html/);
    expect(existsSync(join(stopped.path, 'report.html'))).toBe(true);
  });
});
