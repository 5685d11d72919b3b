import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { run, signalAt, start } from '../../test/child.ts';
import { notHere } from '../../test/services.ts';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { shapeImage, writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { evaluateRun, openRun, predictFiles, RunFolder } from '../runs/index.ts';

eachDevice('the command line', (ctx) => {
  it.skipIf(notHere !== undefined)(
    'trains, survives a kill and a Ctrl-C, resumes to the same bits, evaluates and predicts',
    { timeout: 600_000 },
    async () => {
      await using at = await temporaryFolder();
      const [data, model, cache] = [join(at.path, 'shapes'), join(at.path, 'model'), join(at.path, 'cache')];
      await writeShapes(data, { train: 3, test: 2 });
      await put(join(data, 'test', 'red_circle', 'page.png'), '<html>no picture</html>');
      await writeTinyModel(model);
      const words = (out: string): string[] => [
        ...[
          'train',
          '--data',
          data,
          '--model',
          model,
          '--out',
          out,
          '--shots',
          '2',
          '--epochs',
          '2',
          '--batch',
          '2',
          '--depth',
          '2',
        ],
        ...['--set', 'logEvery=1', '--set', 'checkpointSeconds=0'],
      ];

      const whole = await run(words(join(at.path, 'whole')), cache);
      expect(whole).toMatch(/zero-shot accuracy: .* of 8 test pictures[^]*epoch 2: loss [^]*gain: .* points/);
      expect(whole).toMatch(/1 picture could not be read and was left out:\n {2}test\/red_circle\/page\.png: .*HTML/);
      const [name = ''] = await readdir(join(at.path, 'whole', 'shapes'));
      expect(name).toMatch(/^mudpt-model-2shots-[0-9a-f]{8}$/);
      const undisturbed = new RunFolder(join(at.path, 'whole', 'shapes', name, 'seed1'));

      const out = join(at.path, 'parts');
      const folder = new RunFolder(join(out, 'shapes', name, 'seed1'));
      const killed = await signalAt(start(words(out), cache), folder.file('metrics'), 2, 'SIGKILL');
      expect(killed.signal).toBe('SIGKILL');
      const again = await run(words(out), cache, 1);
      expect(again).toMatch(/is there already, unfinished\n.*--resume/);
      const stopped = await signalAt(start([...words(out), '--resume'], cache), folder.file('metrics'), 5, 'SIGINT');
      expect(stopped.code).toBe(130);
      const told = /continue with: pnpm train (--resume \S+)/.exec(stopped.output)?.[1];
      expect(told, stopped.output).toBeDefined();
      await run(['train', '--resume', folder.path], cache);
      const learnt = (run: RunFolder) => readFile(run.file('prompts'));
      expect(Buffer.compare(await learnt(folder), await learnt(undisturbed))).toBe(0);
      expect((await folder.readSummary()).evaluations.map(({ metrics }) => metrics)).toEqual(
        (await undisturbed.readSummary()).evaluations.map(({ metrics }) => metrics),
      );

      const tuned = await openRun(folder.path, { device: ctx.device });
      try {
        const summary = await folder.readSummary();
        const { calibration, ...counted } = (await evaluateRun(tuned)).tuned.metrics;
        const { calibration: then, ...countedThen } =
          summary.evaluations.find(({ what }) => what === 'tuned')?.metrics ?? expect.fail('the run has no evaluation');
        expect(counted).toEqual(countedThen);
        // The run had another device, with other limits perhaps: confidences are equal but for the last bits.
        expect(calibration?.ece).toBeCloseTo(then?.ece ?? Number.NaN, 3);
        const other = join(at.path, 'other');
        await writeShapes(other, { train: 1, test: 2 }, ['green square', 'red circle']);
        expect((await evaluateRun(tuned, { data: other })).classNames).toEqual(['green_square', 'red_circle']);
        expect(await readFile(folder.file('results'), 'utf8')).toMatch(/,other,test,all,mudpt,[^\n]*,tuned,4,/);
        const image = join(at.path, 'one.png');
        await put(image, shapeImage('red circle', 3));
        const files = [image, join(at.path, 'absent.png'), image];
        const [one, none, again, ...rest] = await predictFiles(tuned, files, 2);
        expect([again, rest]).toEqual([one, []]);
        expect(one?.top).toHaveLength(2);
        expect(one?.top[0]?.probability).toBeGreaterThanOrEqual(one?.top[1]?.probability ?? 1);
        const stranger = join(at.path, 'stranger');
        await writeTinyModel(stranger, 7);
        await expect(openRun(folder.path, { device: ctx.device, model: stranger })).rejects.toThrow(
          /learnt on .* is another model/,
        );
        expect(none).toMatchObject({ top: [], why: expect.stringMatching(/cannot be opened/) });
      } finally {
        await tuned.close();
      }
    },
  );
});
