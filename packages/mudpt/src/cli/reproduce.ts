/** `pnpm reproduce`: published numbers, measured here, cell by cell. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { csvLine } from '@mudpt/clip';
import { InputError, writeFileAtomic } from '@mudpt/tensor';
import { pathFromHere } from '../command.ts';
import { counted } from '../data/dataset.ts';
import { plannedData, type SetsHere, setsHere } from '../reproduce/sets.ts';
import { isWithin, TOLERANCE, type Verdict, verdictsOf } from '../reproduce/verdicts.ts';
import { EXIT_AGAIN, EXIT_DONE, EXIT_FAILED } from '../sweep/exit-codes.ts';
import { makePlan } from '../sweep/make-plan.ts';
import { writePlan } from '../sweep/plan.ts';
import { type Protocol, STANDARD_SHOTS, titleOf } from '../sweep/protocols.ts';
import { titleOfMethod } from '../sweep/runs.ts';
import { published } from '../sweep/tables/published.ts';
import { readResults } from '../sweep/tables/results.ts';
import { StatusLine } from '../terminal/status-line.ts';
import { table } from '../terminal/text.ts';
import { numbers, wholeNumber } from './sweep.ts';
import { runOnThisMachine } from './sweep-run.ts';

export interface ReproduceFlags {
  readonly weights: string;
  readonly root: string;
  readonly table?: Protocol;
  readonly methods: string;
  readonly shots?: string;
  readonly seeds: string;
  readonly jobs: string;
  readonly set?: readonly string[];
  readonly out: string;
}

/** The zero-shot column: both halves of the classes of every data set. */
const ZERO_SHOT = 'zero-shot';

/** Runs the command. @returns exit code: 0 every number is within, 1 some are not or are gaps, 75 stopped and saved */
export async function reproduceCommand(flags: ReproduceFlags): Promise<number> {
  const line = new StatusLine(process.stdout);
  const jobs = wholeNumber('--jobs', flags.jobs, 1);
  const seeds = numbers('--seeds', flags.seeds, 0) as number[];
  const methods = flags.methods.split(',').map((name) => name.trim());
  const protocols: Protocol[] = flags.table === undefined ? ['base-to-new'] : ['base-to-new', flags.table];
  const shots = flags.shots === undefined ? undefined : numbers('--shots', flags.shots, 1);
  if (flags.table !== undefined) expectPublished(flags.table, shots ?? STANDARD_SHOTS[flags.table], methods);
  const here = await setsHere(protocols, flags.root);
  for (const [name, why] of here.missing) line.print(`missing: ${titleOf(name)}: ${why}`);
  if (here.found.length === 0)
    throw new InputError('--root', `${flags.root} holds none of the papers' data sets`, 'give the folder they lie in');

  const asked = { flags, here, jobs };
  const verdicts: Verdict[] = [];
  const zeroShot = await measured(asked, { protocol: 'base-to-new', methods: [ZERO_SHOT], seeds: [1], folder: ZERO_SHOT });
  if (!zeroShot) return EXIT_AGAIN;
  verdicts.push(...zeroShot);
  if (flags.table !== undefined) {
    const wanted = { protocol: flags.table, methods, seeds, shots, folder: flags.table };
    const chosen = await measured(asked, wanted);
    if (!chosen) return EXIT_AGAIN;
    verdicts.push(...chosen);
  }
  const rows = rowsOf(verdicts);
  line.print();
  for (const text of table(rows, { right: [1, 5, 6, 7, 8], most: Number.POSITIVE_INFINITY })) line.print(text);
  await mkdir(flags.out, { recursive: true });
  await writeFileAtomic('reproduce', join(flags.out, 'reproduce.csv'), `${rows.map(csvLine).join('\n')}\n`);
  const [within, gaps] = [verdicts.filter(isWithin), verdicts.filter(({ gap }) => gap !== undefined)];
  line.print();
  line.print(
    `${within.length} of ${counted(verdicts.length, 'published number', 'published numbers')} within ${TOLERANCE} point (no source states its spread a cell), ${verdicts.length - within.length - gaps.length} not within, ${counted(gaps.length, 'gap', 'gaps')}`,
  );
  line.print(`written to ${pathFromHere(join(flags.out, 'reproduce.csv'))}`);
  return within.length === verdicts.length ? EXIT_DONE : EXIT_FAILED;
}

/** @throws InputError before hours are spent, where there are no published numbers to compare with */
function expectPublished(protocol: Protocol, shots: readonly (number | 'all')[], methods: readonly string[]): void {
  const rows = shots.flatMap((count) => published(protocol, count)?.rows ?? []);
  const known = [...new Set(rows.map(({ method }) => method))];
  for (const method of methods)
    if (!known.includes(method))
      throw new InputError(
        '--methods',
        `nothing was published for ${method} in ${protocol} at ${shots.join(', ')} shots`,
        known.length > 0 ? `use ${known.join(', ')}, or \`sweep\` for runs without a comparison` : 'ask for other shots',
      );
}

interface Asked {
  readonly flags: ReproduceFlags;
  readonly here: SetsHere;
  readonly jobs: number;
}

interface Wanted {
  readonly protocol: Protocol;
  readonly methods: readonly string[];
  readonly seeds: readonly number[];
  readonly shots?: readonly (number | 'all')[] | undefined;
  readonly folder: string;
}

/** Plans, runs and compares one table. @returns undefined where it was asked to stop */
async function measured({ flags, here, jobs }: Asked, wanted: Wanted): Promise<Verdict[] | undefined> {
  const { protocol, methods, seeds, shots, folder } = wanted;
  const counts = shots ?? STANDARD_SHOTS[protocol];
  const data = plannedData(protocol, here);
  if ('why' in data) return verdictsOf(protocol, counts, methods, data, here.missing);
  const sweep = join(flags.out, folder);
  const assignments = methods.includes(ZERO_SHOT) ? [] : (flags.set ?? []);
  const { weights: model, root } = flags;
  const plan = await makePlan({ protocols: [protocol], methods, ...data, shots, seeds, root, model, assignments });
  await writePlan(sweep, plan);
  if ((await runOnThisMachine(sweep, plan, jobs)) === EXIT_AGAIN) return undefined;
  return verdictsOf(protocol, counts, methods, { plan, results: await readResults(sweep, plan) }, here.missing);
}

function rowsOf(verdicts: readonly Verdict[]): string[][] {
  const heading = ['table', 'shots', 'part', 'method', 'data', 'published', 'here', '±', 'difference', 'verdict'];
  const rows = verdicts.map((verdict) => {
    const { protocol, shots, part, method, data, published: theirs, measured: found, spread, gap } = verdict;
    return [
      protocol,
      String(shots),
      part,
      method === ZERO_SHOT ? method : titleOfMethod(method),
      titleOf(data),
      theirs.toFixed(2),
      found?.toFixed(2) ?? '',
      spread?.toFixed(2) ?? '',
      found === undefined ? '' : (found - theirs).toFixed(2),
      gap === undefined ? (isWithin(verdict) ? 'within' : 'not within') : `gap: ${gap}`,
    ];
  });
  return [heading, ...rows];
}
