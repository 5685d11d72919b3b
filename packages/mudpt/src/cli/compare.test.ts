import { join } from 'node:path';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it } from 'vitest';
import { RunFolder, train } from '../runs/index.ts';
import { comparisons } from './compare.ts';
import { runsBelow } from './find-run.ts';

eachDevice('comparing runs', (ctx) => {
  it('averages seeds that were run on copies of one set and one model, under other paths and names', async () => {
    await using at = await temporaryFolder();
    const copies = [join(at.path, 'a', 'shapes'), join(at.path, 'b', 'copied shapes')];
    for (const [index, data] of copies.entries()) {
      await writeShapes(data, { train: 2, test: 2 });
      const model = join(at.path, `model ${index}`);
      await writeTinyModel(model);
      const input = { data, model, shots: 1, seed: index + 1, method: 'linear-probe', report: 'no' } as const;
      await train({ ...input, alternatives: false }, { device: ctx.device, out: join(at.path, 'runs') });
    }
    const loaded = await Promise.all(
      (await runsBelow(join(at.path, 'runs'))).map(async (path) => {
        const folder = new RunFolder(path);
        return { path, config: await folder.readConfig(), summary: await folder.readSummary() };
      }),
    );
    const [line, ...others] = comparisons(loaded);
    expect(others).toEqual([]);
    const accuracies = loaded.map(
      ({ summary }) => summary.evaluations.find(({ what }) => what === 'tuned')?.metrics.accuracy as number,
    );
    expect(line).toMatchObject({ name: 'linear-probe', seeds: [1, 2] });
    expect(line?.mean).toBeCloseTo(((accuracies[0] ?? 0) + (accuracies[1] ?? 0)) / 2, 10);
  });
});
