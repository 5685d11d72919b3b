import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { describe, expect, it } from 'vitest';
import { run, type Running, start } from '../../test/child.ts';
import { isElsewhere } from '../../test/services.ts';
import { writePaperTrees } from '../../test/paper-trees.ts';
import { readPlan } from './plan.ts';
import type { Cell } from './cell.ts';
import type { SweepStatus } from './status.ts';

/** Sends a signal to the process that a matching line names, once it is there. */
async function signalOnLine({ child, ended }: Running, line: RegExp, signal: NodeJS.Signals): Promise<void> {
  let output = '';
  child.stdout?.on('data', (data: Buffer) => (output += data.toString()));
  while (child.exitCode === null) {
    const found = line.exec(output);
    if (found) return void process.kill(Number(found[1] ?? child.pid), signal);
    await sleep(5);
  }
  throw new Error(`it ended before a line ${line}:\n${(await ended).output}`);
}

/** The tuned accuracy of a run by what it was measured on, from its own table. */
async function resultsOf(sweep: string, { id }: Cell): Promise<Map<string, number>> {
  const [heading = '', ...lines] = (await readFile(join(sweep, 'runs', id, 'results.csv'), 'utf8')).trim().split('\n');
  const place = (name: string): number => heading.split(',').indexOf(name);
  const rows = lines.map((line) => line.split(','));
  const tuned = rows.filter((row) => row[place('what')] === 'tuned');
  return new Map(tuned.map((row) => [`${row[place('data')]} ${row[place('classes')]}`, Number(row[place('accuracy')])]));
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a sweep', () => {
  it('all four protocols in two processes: one killed, one cell broken, stopped and gone on with; tables equal what runs wrote', {
    timeout: 600_000,
    skip: isElsewhere !== undefined,
  }, async () => {
    await using at = await temporaryFolder();
    const [root, model, cache, sweep] = ['data', 'model', 'cache', 'S'].map((name) => join(at.path, name)) as [
      string,
      string,
      string,
      string,
    ];
    await writePaperTrees(root, { train: 2, val: 1, test: 2 });
    await writeTinyModel(model);
    const protocols = 'few-shot,base-to-new,cross-dataset,domain';
    const words = ['--methods', 'maple', '--data', 'paper11', '--shots', '1', '--seeds', '1-2', '--root', root, '--model', model];
    const settings = ['--set', 'epochs=1', '--set', 'batchSize=4'];
    await run(['sweep', 'plan', protocols, ...words, ...settings, '--out', sweep], cache);
    const { cells } = await readPlan(sweep);
    expect(cells).toHaveLength(22 + 22 + 2);

    // One that cannot be begun: its folder holds what is no configuration.
    const broken = cells.find(({ data, seed, protocols: of }) => data === 'dtd' && seed === 2 && of.includes('few-shot')) as Cell;
    await mkdir(join(sweep, 'runs', broken.id), { recursive: true });
    await writeFile(join(sweep, 'runs', broken.id, 'config.yaml'), 'method: [');

    const first = start(['sweep', 'run', sweep, '--jobs', '2'], cache);
    await signalOnLine(first, /begin +\S+ \(process (\d+)\)\n/, 'SIGKILL');
    await signalOnLine(first, /done [^\n]*\n[^]*done [^\n]*\n/, 'SIGTERM');
    const stopped = await first.ended;
    expect(stopped.output).toMatch(/crashed +\S+: its process ended with SIGKILL; it is resumed/);
    expect(stopped.code, stopped.output).toBe(75);
    const begun = JSON.parse(await run(['sweep', 'status', sweep, '--json'], cache, 75)) as SweepStatus;
    expect(begun.counts).toMatchObject({ running: 0, failed: 0 });
    expect(begun.counts.done).toBeGreaterThanOrEqual(2);
    expect(begun.secondsLeft).toBeGreaterThan(0);

    const output = await run(['sweep', 'run', sweep, '--jobs', '2'], cache, 1);
    expect(output).toMatch(/1 FAILED/);
    const status = await run(['sweep', 'status', sweep], cache, 1);
    expect(status).toMatch(/46 cells: 45 done, 0 running, 1 failed, 0 begun, 0 left\nfailed +dtd\/\S*\/seed2\n +.*config\.yaml/);
    // What is done stays as it is: the task of an array ends well at once.
    expect(await run(['sweep', 'run', sweep, '--index', '0'], cache)).toMatch(/done before/);
    await expect(run(['sweep', 'run', sweep, '--index', '46'], cache)).rejects.toThrow(/there is no task 46/);

    const told = await run(['collect', sweep], cache, 1);
    expect(told).toMatch(/1 gap: .*config\.yaml/);
    const tables = new Map<string, Map<string, string>>();
    for (const name of protocols.split(',')) {
      const [heading = '', ...lines] = (await readFile(join(sweep, 'tables', `${name}.csv`), 'utf8')).trim().split('\n');
      const columns = heading.split(',');
      const cellsOf = lines.map((line) => line.split(','));
      for (const row of cellsOf.filter((one) => one[0] === 'MaPLe'))
        tables.set(`${name} ${row[1]}`.trim(), new Map(columns.map((column, index) => [column, row[index] ?? ''])));
    }
    const measured = new Map<string, Map<string, number>>();
    for (const cell of cells.filter(({ id }) => id !== broken.id)) measured.set(cell.id, await resultsOf(sweep, cell));
    /** The mean over seeds of what the runs of a protocol reached. */
    const expected = (protocol: string, trained: string | undefined, key: string): number =>
      meanOf(
        cells
          .filter(
            ({ id, data, protocols: of }) =>
              of.includes(protocol as never) && id !== broken.id && data === (trained ?? key.split(' ')[0]),
          )
          .map(({ id }) => measured.get(id)?.get(key) ?? Number.NaN),
      );
    const close = (table: string, column: string, value: number): void =>
      expect(Number(tables.get(table)?.get(column)), `${table}: ${column}`).toBeCloseTo(value, 3);

    const titles = {
      imagenet: 'ImageNet',
      caltech101: 'Caltech101',
      oxford_pets: 'OxfordPets',
      stanford_cars: 'StanfordCars',
      oxford_flowers: 'Flowers102',
      food101: 'Food101',
      fgvc_aircraft: 'FGVCAircraft',
      sun397: 'SUN397',
      dtd: 'DTD',
      eurosat: 'EuroSAT',
      ucf101: 'UCF101',
    };
    const names = Object.keys(titles) as (keyof typeof titles)[];
    for (const name of names) {
      close('few-shot', titles[name], expected('few-shot', undefined, `${name} all`));
      for (const part of ['base', 'new'])
        close(`base-to-new ${part}`, titles[name], expected('base-to-new', undefined, `${name} ${part}`));
    }
    close('few-shot', 'average', meanOf(names.map((name) => expected('few-shot', undefined, `${name} all`))));
    const average = (part: string): number => meanOf(names.map((name) => expected('base-to-new', undefined, `${name} ${part}`)));
    close('base-to-new base', 'average', average('base'));
    close('base-to-new new', 'average', average('new'));
    close('base-to-new H', 'average', (2 * average('base') * average('new')) / (average('base') + average('new')));
    const others = names.slice(1);
    for (const name of names) close('cross-dataset', titles[name], expected('cross-dataset', 'imagenet', `${name} all`));
    close('cross-dataset', 'average', meanOf(others.map((name) => expected('cross-dataset', 'imagenet', `${name} all`))));
    const shifted = {
      imagenetv2: 'ImageNetV2',
      imagenet_sketch: 'ImageNet-Sketch',
      imagenet_a: 'ImageNet-A',
      imagenet_r: 'ImageNet-R',
    };
    for (const [name, title] of Object.entries(shifted)) close('domain', title, expected('domain', 'imagenet', `${name} all`));
    close('domain', 'average', meanOf(Object.keys(shifted).map((name) => expected('domain', 'imagenet', `${name} all`))));
    // The gap is in the text: one seed of two.
    expect(await readFile(join(sweep, 'tables', 'few-shot.txt'), 'utf8')).toMatch(/MaPLe .*\*/);
  });
});
