/** Two methods at a time on the same images: McNemar's test of every seed, and a bootstrap interval of their difference. */
import { InputError } from '@mudpt/tensor';
import { bootstrapPaired, holm, mcNemar, mean } from '../../evaluation/statistics.ts';
import type { Cell, FollowUp, Plan, PlanHead } from '../cell.ts';
import { type Protocol, titleOf } from '../protocols.ts';
import type { Prediction } from '../../runs/index.ts';
import { titleOfMethod } from '../runs.ts';

/** What a cell predicted on the test images of a data set's classes. */
export type ReadPredictions = (cell: Cell, on: Pick<FollowUp, 'name' | 'classes'>) => Promise<readonly Answer[]>;

type Answer = Pick<Prediction, 'id' | 'label' | 'zeroShot' | 'tuned'>;

/** Two methods on the test images of one data set. */
export interface Pair {
  readonly methods: MethodPair;
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
  /** After Holm's adjustment for all tests of the table, of all pairs of methods. */
  readonly adjusted: readonly number[];
}

export type MethodPair = readonly [first: string, second: string];

export interface Pairs {
  readonly pairs: readonly Pair[];
  readonly gaps: readonly { readonly id: string; readonly reason: string }[];
}

/** Its answers stand beside those of every run, so it needs no runs for itself. */
const ZERO_SHOT = 'zero-shot';

/**
 * Compares two methods, or several pairs of them, wherever both have finished with the same seed. Images are matched by id; those that only one
 * could read are left out. The second may be `zero-shot` where the plan has it not.
 * @throws InputError for methods that the plan does not have, and pairs that are named twice
 */
export async function comparePairs(plan: Plan, pairs: readonly MethodPair[], read: ReadPredictions): Promise<Pairs> {
  checkPairs(plan.head, pairs);
  const gaps = new Map<string, Pairs['gaps'][number]>();
  const found: Omit<Pair, 'adjusted'>[] = [];
  for (const methods of pairs)
    for (const place of plan.head.protocols.flatMap(placesOf)) {
      const seeds: Seed[] = [];
      for (const seed of plan.head.seeds) {
        const cells = cellsOf(plan, methods, place, seed);
        if (!cells) continue;
        const on = { name: place.data, classes: place.classes };
        try {
          const [one, other] = [await read(cells[0], on), await read(cells[1], on)];
          const second = other.map((answer) => (cells[1] === cells[0] ? { ...answer, tuned: answer.zeroShot } : answer));
          seeds.push({ seed, ...matched(rightById(one), rightById(second)) });
        } catch (error) {
          const id = `${place.data} ${place.classes} seed ${seed}`;
          const reason = error instanceof Error ? error.message : String(error);
          gaps.set(`${id}: ${reason}`, { id, reason });
        }
      }
      const { protocol, data, classes, shots } = place;
      if (seeds.length > 0) found.push({ methods, protocol, data, classes, shots, ...measure(seeds) });
    }
  const adjusted = holm(found.flatMap(({ p }) => p));
  let at = 0;
  const all = found.map((pair): Pair => ({ ...pair, adjusted: adjusted.slice(at, (at += pair.p.length)) }));
  return { pairs: all, gaps: [...gaps.values()] };
}

function checkPairs({ methods }: PlanHead, pairs: readonly MethodPair[]): void {
  const seen = new Set<string>();
  for (const [a, b] of pairs) {
    if (a === b) throw new InputError('--pair', `${a} is named twice`, 'name two methods');
    for (const method of [a, b])
      if (!methods.includes(method) && !(method === ZERO_SHOT && method === b))
        throw new InputError(
          '--pair',
          `${method} is none of the methods of this sweep`,
          `use two of ${methods.join(', ')}${methods.includes(ZERO_SHOT) ? '' : `, or ${ZERO_SHOT} as the second`}`,
        );
    const key = [a, b].sort().join();
    if (seen.has(key)) throw new InputError('--pair', `${a},${b} is named twice`, 'name each pair once');
    seen.add(key);
  }
}

/** The runs of two methods at a place; one of them twice where the second is zero-shot without runs of its kind. */
function cellsOf({ head, cells }: Plan, [a, b]: MethodPair, place: Place, seed: number): [Cell, Cell] | undefined {
  const of = (method: string): Cell | undefined =>
    cells.find(
      (cell) =>
        cell.method === method &&
        cell.data === place.trained &&
        cell.shots === place.shots &&
        cell.seed === seed &&
        cell.protocols.includes(place.protocol),
    );
  const one = of(a);
  const other = head.methods.includes(b) ? of(b) : one;
  return one && other && [one, other];
}

type Classes = FollowUp['classes'];
type Place = ReturnType<typeof placesOf>[number];

interface Seed {
  readonly seed: number;
  readonly ids: readonly string[];
  readonly first: readonly boolean[];
  readonly second: readonly boolean[];
}

/** Everything a protocol measures. */
function placesOf({ name: protocol, train, targets, shots }: PlanHead['protocols'][number]) {
  const parts: readonly Classes[] = protocol === 'base-to-new' ? ['base', 'new'] : ['all'];
  return shots.flatMap((count) =>
    train.flatMap((trained) =>
      [trained, ...targets].flatMap((data) => parts.map((classes) => ({ protocol, shots: count, trained, data, classes }))),
    ),
  );
}

function rightById(predictions: readonly Answer[]): Map<string, boolean> {
  return new Map(predictions.map(({ id, label, tuned }) => [id, tuned[0]?.[0] === label]));
}

function matched(one: ReadonlyMap<string, boolean>, other: ReadonlyMap<string, boolean>): Omit<Seed, 'seed'> {
  const ids = [...one.keys()].filter((id) => other.has(id));
  return { ids, first: ids.map((id) => one.get(id) === true), second: ids.map((id) => other.get(id) === true) };
}

/** Each image counts once, with the mean difference over the seeds that have it, so that seeds do not multiply images. */
function measure(seeds: readonly Seed[]) {
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

const HEADING: readonly string[] = [
  'protocol',
  'data',
  'classes',
  'shots',
  'images',
  'first',
  'second',
  'accuracy of first',
  'of second',
  'difference',
  '95 % interval',
  'p of each seed',
  'Holm',
];

/** Rows of a table of text, the heading first. */
export function pairRows({ pairs }: Pairs): string[][] {
  const small = (p: number): string => (p < 0.0001 ? '<0.0001' : p.toFixed(4));
  return [
    [...HEADING],
    ...pairs.map(({ methods, protocol, data, classes, shots, images, first, second, difference, low, high, p, adjusted }) => [
      protocol,
      titleOf(data),
      classes,
      String(shots),
      String(images),
      ...methods.map(titleOfMethod),
      first.toFixed(2),
      second.toFixed(2),
      `${difference < 0 ? '' : '+'}${difference.toFixed(2)}`,
      `${low.toFixed(2)} to ${high.toFixed(2)}`,
      p.map(small).join(' '),
      adjusted.map(small).join(' '),
    ]),
  ];
}
