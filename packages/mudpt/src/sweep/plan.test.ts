import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { canonicalText } from '@mudpt/tensor/internal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writePaperTrees } from '../../test/paper-trees.ts';
import type { Cell } from './cell.ts';
import { makePlan, type PlanRequest } from './make-plan.ts';
import { type MadePlan, readPlan, writePlan } from './plan.ts';
import { tasksOf } from './protocols.ts';

let at: Awaited<ReturnType<typeof temporaryFolder>>;
let root: string;
beforeAll(async () => {
  at = await temporaryFolder();
  root = join(at.path, 'data');
  await writePaperTrees(root, { train: 2, val: 1, test: 1 });
});
afterAll(() => at[Symbol.asyncDispose]());

const plan = (change: Partial<PlanRequest> = {}): Promise<MadePlan> =>
  makePlan({
    protocols: ['few-shot'],
    methods: ['maple'],
    data: ['paper11'],
    shots: [1],
    seeds: [1, 2],
    root,
    model: 'somebody/clip',
    assignments: [],
    ...change,
  });

describe('a plan', () => {
  it("has the paper's whole few-shot protocol: 11 data sets, 5 shots, 3 seeds are 165 runs", async () => {
    const { cells, head } = await plan({ shots: undefined, seeds: [1, 2, 3] });
    expect(cells).toHaveLength(165);
    expect(cells.map(({ index }) => index)).toEqual(Array.from({ length: 165 }, (_, index) => index));
    expect(new Set(cells.map(({ id }) => id)).size).toBe(165);
    expect(head.protocols).toMatchObject([{ name: 'few-shot', targets: [], shots: [1, 2, 4, 8, 16] }]);
    expect(head.sets.map(({ name }) => name)[6]).toBe('fgvc_aircraft');
    expect(head.sets[0]).toMatchObject({ classes: 4, train: 8, val: 0, test: 4 });
    expect(cells[0]).toMatchObject({ data: 'imagenet', shots: 1, seed: 1, evaluations: [], config: { alternatives: false } });
  });

  it('says what follows: new classes, ten other sets, four shifted ImageNets', async () => {
    const { cells } = await plan({ protocols: ['base-to-new', 'cross-dataset', 'domain'], seeds: [1] });
    const base = cells.filter(({ protocols }) => protocols.includes('base-to-new'));
    expect(base).toHaveLength(11);
    for (const { config, evaluations, data } of base) {
      expect(config['classes']).toBe('base');
      expect(evaluations).toEqual([{ data, name: data, classes: 'new' }]);
    }
    // One model of ImageNet serves both.
    const [source, ...more] = cells.filter(({ protocols }) => protocols.includes('domain'));
    expect(more).toEqual([]);
    expect(source?.protocols).toEqual(['cross-dataset', 'domain']);
    expect(source?.evaluations.map(({ name }) => name)).toEqual([
      ...['caltech101', 'oxford_pets', 'stanford_cars', 'oxford_flowers', 'food101', 'fgvc_aircraft', 'sun397', 'dtd', 'eurosat'],
      ...['ucf101', 'imagenetv2', 'imagenet_sketch', 'imagenet_a', 'imagenet_r'],
    ]);
    // MaPLe's published settings for these protocols.
    expect(source?.config).toMatchObject({ settings: { depth: 3 }, training: { epochs: 2, lr: 0.0026 } });
    expect(base[0]?.config).toMatchObject({ settings: { depth: 9 }, training: { epochs: 5, lr: 0.0035 } });
  });

  it('takes the published settings by method, data set and shots, those that were named over them', async () => {
    const training = async (change: Partial<PlanRequest>): Promise<unknown> => {
      const { cells } = await plan({ methods: ['coop'], seeds: [1], ...change });
      return (cells as [Cell])[0].config['training'];
    };
    expect(await training({ data: ['dtd'], shots: [16] })).toMatchObject({ epochs: 200 });
    expect(await training({ data: ['dtd'], shots: [1] })).toMatchObject({ epochs: 50 });
    expect(await training({ data: ['imagenet'], shots: [16] })).toMatchObject({ epochs: 50 });
    expect(await training({ data: ['dtd'], assignments: ['epochs=3'] })).toMatchObject({ epochs: 3 });
    expect(await training({ data: ['dtd'], assignments: ['coop:epochs=4', 'maple:epochs=9'] })).toMatchObject({ epochs: 4 });
    const mean = async (data: string): Promise<unknown> => {
      const { cells } = await plan({ methods: ['promptsrc'], data: [data], seeds: [1] });
      return (cells as [Cell])[0].config;
    };
    expect(await mean('eurosat')).toMatchObject({ protocol: 'few-shot', settings: { aggregationMean: 45 } });
    expect(await mean('ucf101')).toMatchObject({ protocol: 'few-shot', settings: { aggregationMean: 30 } });
    // The embedded model has settings of its own, unless the published ones are asked for.
    const embedded = { data: ['dtd'], model: 'embedded' };
    expect(await training(embedded)).toMatchObject({ epochs: 20, lr: 0.06 });
    expect(await training({ ...embedded, settings: 'published' })).toMatchObject({ epochs: 50, lr: 0.002, batchSize: 32 });
    expect(await training({ data: ['dtd'], settings: 'model' })).toMatchObject({ epochs: 200 });
    const { cells } = await plan({ methods: ['mudpt', 'mudpt@released-defaults'], data: ['dtd'], seeds: [1] });
    expect(cells.map(({ config }) => (config['settings'] as { injection: string }).injection)).toEqual(['transformer', 'linear']);
    expect(cells.map(({ config }) => config['variant'])).toEqual([undefined, 'released-defaults']);
    await expect(plan({ methods: ['mudpt@nonsense'] })).rejects.toThrow(/no variant "nonsense".*released-defaults/s);
    await expect(plan({ methods: ['zero-shot'], assignments: ['epochs=3'] })).rejects.toThrow(
      /none of zero-shot has the setting/,
    );
  });

  it('has a student learn from the run of another row, of the same data, shots and seed; it reads no labels, so its images may be more', async () => {
    const methods = ['promptkd', 'coop'];
    const taught = await plan({
      methods,
      data: ['dtd'],
      shots: [1, 2],
      assignments: ['promptkd:teacher=coop', 'promptkd:shots=all'],
    });
    const [students, teachers] = ['promptkd', 'coop'].map((name) => taught.cells.filter(({ method }) => method === name));
    expect(students?.map(({ teacher }) => teacher)).toEqual(teachers?.map(({ id }) => id));
    expect(new Set(taught.cells.map(({ id }) => id)).size).toBe(8);
    expect(students?.map(({ shots, config }) => [shots, config['shots']])).toEqual([1, 1, 2, 2].map((shots) => [shots, 'all']));
    expect(teachers?.every((cell) => !('teacher' in cell) && cell.config['shots'] === cell.shots)).toBe(true);
    const assignments = ['promptkd:teacher=coop', 'promptkd:classes=all'];
    const [student, teacher] = (await plan({ protocols: ['base-to-new'], methods, data: ['dtd'], seeds: [1], assignments }))
      .cells;
    expect(student).toMatchObject({ config: { classes: 'all' }, evaluations: [{ classes: 'base' }, { classes: 'new' }] });
    expect(teacher).toMatchObject({ config: { classes: 'base' }, evaluations: [{ classes: 'new' }] });

    const refused = (more: Partial<PlanRequest>) => expect(plan({ methods, data: ['dtd'], ...more })).rejects;
    await refused({ assignments: ['teacher=maple'] }).toThrow(
      /runs of maple teach promptkd, and the plan has none.*add maple to --methods/is,
    );
    await refused({ assignments: ['teacher=tip-adapter'] }).toThrow(
      /tip-adapter cannot teach promptkd: it is fitted to features/,
    );
    await refused({ assignments: ['teacher=promptkd'] }).toThrow(/it has a teacher itself/);
    await refused({ assignments: ['shots=all', 'teacher=coop'] }).toThrow(
      /shots of coop is what the plan says, because its loss reads labels/,
    );
    await refused({ assignments: ['promptkd:seed=3'] }).toThrow(/seed of promptkd is what the plan says.*--seeds/is);
  });

  it("is for folders of one's own, whose paths hold wherever a task starts", async () => {
    const [here, other] = [join(at.path, 'mine'), join(at.path, 'theirs', 'birds')];
    await writeShapes(here, { train: 1, test: 1 });
    await writeShapes(other, { train: 1, test: 2 });
    const { cells, head } = await plan({ protocols: ['domain'], data: [here, other], seeds: [1] });
    expect(cells[0]).toMatchObject({ data: 'mine', config: { data: here }, evaluations: [{ data: other, name: 'birds' }] });
    expect(head.protocols).toEqual([{ name: 'domain', train: ['mine'], targets: ['birds'], shots: [1] }]);
    // A name without a slash may be a folder too, in the folder where the person is.
    const before = process.cwd();
    process.chdir(at.path);
    try {
      expect((await plan({ data: ['mine'], seeds: [1], model: 'mine' })).cells[0]?.config).toMatchObject({
        data: here,
        model: here,
      });
    } finally {
      process.chdir(before);
    }
    const named = await plan({ protocols: ['cross-dataset'], data: [here], source: 'dtd', seeds: [1] });
    expect(named.head.protocols[0]).toMatchObject({ train: ['dtd'], targets: ['mine'] });
    await writeShapes(join(at.path, 'more', 'mine'), { train: 1, test: 1 });
    await expect(plan({ data: [here, join(at.path, 'more', 'mine')] })).rejects.toThrow(/two data sets are called mine/);
    await expect(plan({ protocols: ['domain'], data: [here] })).rejects.toThrow(/needs a data set to train on and others/);
    expect(() => tasksOf('few-shot', ['paper11', 'dtd'])).toThrow(/dtd is named twice/);
  });

  it('names all data sets that are missing at once, and those that cannot serve', async () => {
    await using empty = await temporaryFolder();
    await expect(plan({ root: empty.path, data: ['dtd', 'eurosat'] })).rejects.toThrow(/2 of 2 data sets.*dtd:.*\n.*eurosat:/s);
    await expect(plan({ data: ['imagenet_a'] })).rejects.toThrow(/imagenet_a has no training image/);
  });

  it('is written once, is the same for the same words, and never written over: what differs is told', async () => {
    await using folder = await temporaryFolder();
    const sweep = join(folder.path, 'S');
    const first = await plan({ data: ['dtd', 'eurosat'] });
    expect(await writePlan(sweep, first)).toBe('written');
    expect((await readFile(join(sweep, 'plan.jsonl'), 'utf8')).split('\n')).toHaveLength(5);
    expect(await readPlan(sweep)).toEqual(JSON.parse(JSON.stringify({ head: first.head, cells: first.cells })));
    expect(await writePlan(sweep, await plan({ data: ['dtd', 'eurosat'] }))).toBe('unchanged');
    const again = async (change: Partial<PlanRequest>) => writePlan(sweep, await plan({ data: ['dtd', 'eurosat'], ...change }));
    await expect(again({ assignments: ['epochs=7'] })).rejects.toThrow(/training\.epochs 5 there, 7 asked for \(4 cells/);
    await expect(again({ seeds: [1] })).rejects.toThrow(/2 cells are there that were not asked for \(.*dtd.*seed 2/);
    await expect(again({ seeds: [1, 2, 3] })).rejects.toThrow(/2 cells were asked for that are not there/);
    await expect(again({ model: 'other/clip' })).rejects.toThrow(/model somebody\/clip there, other\/clip asked for/);
    await put(join(root, 'eurosat', 'split_zhou_EuroSAT.json'), await otherSplit());
    await expect(again({})).rejects.toThrow(/eurosat has other images or classes now/);
    const path = join(sweep, 'plan.jsonl');
    await writeFile(path, (await readFile(path, 'utf8')).replace('"seed":1', '"seed":5'));
    await expect(readPlan(sweep)).rejects.toThrow(/was changed after the plan was made/);
    await rm(path);
    await expect(readPlan(sweep)).rejects.toThrow(/plan\.jsonl cannot be read/);
  });

  it('of an earlier version, which lacks settings of this one, is the same plan', async () => {
    await using folder = await temporaryFolder();
    const now = await plan({ data: ['dtd'] });
    const without = (key: string): MadePlan => {
      const cells = now.cells.map((cell) => {
        const { [key]: _, ...config } = cell.config;
        return { ...cell, config };
      });
      const { digest: _, ...head } = now.head;
      const digest = createHash('sha256')
        .update(canonicalText([head, cells]))
        .digest('hex');
      return { ...now, head: { ...head, digest }, cells };
    };
    const sweep = join(folder.path, 'S');
    await writePlan(sweep, without('activations'));
    expect(await writePlan(sweep, now)).toBe('unchanged');
    expect((await readPlan(sweep)).cells[0]?.config).not.toHaveProperty('activations');
    await expect(writePlan(sweep, await plan({ data: ['dtd'], assignments: ['activations=f16'] }))).rejects.toThrow(
      /activations unset there, "f16" asked for/,
    );
  });

  /** One image fewer. */
  async function otherSplit(): Promise<string> {
    const splits = JSON.parse(await readFile(join(root, 'eurosat', 'split_zhou_EuroSAT.json'), 'utf8')) as { test: unknown[] };
    return JSON.stringify({ ...splits, test: splits.test.slice(1) });
  }
});
