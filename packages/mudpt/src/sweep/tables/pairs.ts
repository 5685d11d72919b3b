/** Two methods on the same images: McNemar's test of every seed, and a bootstrap interval of their difference. */
import { InputError } from '@mudpt/tensor';
import { bootstrapPaired, holm, mcNemar, mean } from '../../evaluation/statistics.ts';
import type { Cell, FollowUp, Plan, PlanHead } from '../cell.ts';
import { type Protocol, titleOf } from '../protocols.ts';
import type { Prediction } from '../../runs/index.ts';
import { titleOfMethod } from '../runs.ts';

/** What a cell predicted on the test images of a data set's classes. */
export type ReadPredictions = (
  cell: Cell,
  on: Pick<FollowUp, 'name' | 'classes'>,
) => Promise<readonly Pick<Prediction, 'id' | 'label' | 'tuned'>[]>;

/** Two methods on the test images of one data set. */
export interface Pair {
  readonly protocol: Protocol;
  readonly data: string;
  readonly classes: FollowUp['classes'];
  readonly shots: number | 'all';
  readonly images: number;
  readonly seeds: readonly number[];
  /** Accuracies in percent, means over the seeds. */
  readonly first: number;
  readonly second: number;
  /** First minus second, in percentage points, with its 95 % bootstrap interval over images. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  /** McNemar's exact p by seed. */
  readonly p: readonly number[];
  /** After Holm's adjustment for all tests of the table. */
  readonly adjusted: readonly number[];
}

export interface Pairs {
  readonly methods: readonly [string, string];
  readonly pairs: readonly Pair[];
  readonly gaps: readonly { readonly id: string; readonly reason: string }[];
}

/**
 * Compares two methods wherever both have finished with the same seed. Images are matched by id; those that only one could read are left out.
 * @throws InputError for methods that the plan does not have
 */
export async function comparePairs(
  { head, cells }: Plan,
  [a, b]: readonly [string, string],
  read: ReadPredictions,
): Promise<Pairs> {
  for (const method of [a, b])
    if (!head.methods.includes(method))
      throw new InputError('--pair', `${method} is none of the methods of this sweep`, `use two of ${head.methods.join(', ')}`);
  if (a === b) throw new InputError('--pair', `${a} is named twice`, 'name two methods');
  const gaps: { id: string; reason: string }[] = [];
  const found: Omit<Pair, 'adjusted'>[] = [];
  for (const { protocol, shots, trained, data, classes } of head.protocols.flatMap(placesOf)) {
    const seeds: { seed: number; first: boolean[]; second: boolean[]; ids: string[] }[] = [];
    for (const seed of head.seeds) {
      const of = (method: string): Cell | undefined =>
        cells.find(
          (cell) =>
            cell.method === method &&
            cell.data === trained &&
            cell.shots === shots &&
            cell.seed === seed &&
            cell.protocols.includes(protocol),
        );
      const [one, other] = [of(a), of(b)];
      if (!one || !other) continue;
      const on = { name: data, classes };
      try {
        seeds.push({ seed, ...matched(rightById(await read(one, on)), rightById(await read(other, on))) });
      } catch (error) {
        gaps.push({ id: `${data} ${classes} seed ${seed}`, reason: error instanceof Error ? error.message : String(error) });
      }
    }
    if (seeds.length > 0) found.push({ protocol, data, classes, shots, ...measure(seeds) });
  }
  const adjusted = holm(found.flatMap(({ p }) => p));
  let at = 0;
  const pairs = found.map((pair): Pair => ({ ...pair, adjusted: adjusted.slice(at, (at += pair.p.length)) }));
  return { methods: [a, b], pairs, gaps };
}

type Classes = FollowUp['classes'];

/** Everything a protocol measures. */
function placesOf({ name: protocol, train, targets, shots }: PlanHead['protocols'][number]) {
  const parts: readonly Classes[] = protocol === 'base-to-new' ? ['base', 'new'] : ['all'];
  return shots.flatMap((count) =>
    train.flatMap((trained) =>
      [trained, ...targets].flatMap((data) => parts.map((classes) => ({ protocol, shots: count, trained, data, classes }))),
    ),
  );
}

function rightById(predictions: readonly Pick<Prediction, 'id' | 'label' | 'tuned'>[]): Map<string, boolean> {
  return new Map(predictions.map(({ id, label, tuned }) => [id, tuned[0]?.[0] === label]));
}

function matched(one: ReadonlyMap<string, boolean>, other: ReadonlyMap<string, boolean>) {
  const ids = [...one.keys()].filter((id) => other.has(id));
  return { ids, first: ids.map((id) => one.get(id) === true), second: ids.map((id) => other.get(id) === true) };
}

/** Each image counts once: its difference is the mean over the seeds that have it, so seeds do not make images more than they are. */
function measure(seeds: readonly { seed: number; first: boolean[]; second: boolean[]; ids: string[] }[]) {
  const differences = new Map<string, number[]>();
  for (const { ids, first, second } of seeds)
    for (const [index, id] of ids.entries())
      differences.set(id, [...(differences.get(id) ?? []), 100 * (Number(first[index]) - Number(second[index]))]);
  const accuracy = (rights: readonly boolean[]): number => (100 * rights.filter(Boolean).length) / rights.length;
  return {
    images: differences.size,
    seeds: seeds.map(({ seed }) => seed),
    first: mean(seeds.map(({ first }) => accuracy(first))),
    second: mean(seeds.map(({ second }) => accuracy(second))),
    ...bootstrapPaired([...differences.values()].map(mean)),
    p: seeds.map(({ first, second }) => mcNemar(first, second).p),
  };
}

export const PAIR_NOTES: readonly string[] = [
  'difference: first minus second, mean over seeds; interval: 95 % percentile bootstrap over images, 2000 draws, seed 1',
  "p: McNemar's exact test of each seed, two-sided; Holm: adjusted for all tests of this table",
];

/** Rows of a table of text, the heading first. */
export function pairRows({ methods, pairs }: Pairs): string[][] {
  const [a, b] = methods.map(titleOfMethod);
  const heading = [
    'protocol',
    'data',
    'shots',
    'images',
    a ?? '',
    b ?? '',
    'difference',
    '95 % interval',
    'p of each seed',
    'Holm',
  ];
  const small = (p: number): string => (p < 0.0001 ? '<0.0001' : p.toFixed(4));
  return [
    heading,
    ...pairs.map(({ protocol, data, classes, shots, images, first, second, difference, low, high, p, adjusted }) => [
      protocol,
      titleOf(data),
      classes,
      String(shots),
      String(images),
      first.toFixed(2),
      second.toFixed(2),
      `${difference < 0 ? '' : '+'}${difference.toFixed(2)}`,
      `${low.toFixed(2)} to ${high.toFixed(2)}`,
      p.map(small).join(' '),
      adjusted.map(small).join(' '),
    ]),
  ];
}
