/** The four protocols of the field: which data sets are trained on, what is evaluated afterwards, and how tables order them. */
import { InputError } from '@mudpt/tensor';
import { type Protocol, PROTOCOLS } from '../method/published.ts';

export { type Protocol, PROTOCOLS };

/** Which settings the runs of a plan take: the authors' for the protocol, or those for the base model. */
export const PLAN_SETTINGS = ['published', 'model'] as const;
export type PlanSettings = (typeof PLAN_SETTINGS)[number];

/** Default shots: the few-shot protocol has all five, the others 16. */
export const STANDARD_SHOTS: Readonly<Record<Protocol, readonly number[]>> = {
  'few-shot': [1, 2, 4, 8, 16],
  'base-to-new': [16],
  'cross-dataset': [16],
  domain: [16],
};

/** Data sets that belong together, by the name `--data` takes. */
interface Group {
  readonly sets: readonly string[];
  /** The training set of the protocols cross-dataset and domain. */
  readonly source: string;
  /** Test sets with the classes of the source in a different style. */
  readonly shifted: readonly string[];
}

/** CoOp's eleven in the order of the papers' tables, and the four shifted ImageNets; the drawn sets that come with the package. */
const GROUPS: Readonly<Record<string, Group>> = {
  paper11: {
    sets: [
      'imagenet',
      'caltech101',
      'oxford_pets',
      'stanford_cars',
      'oxford_flowers',
      'food101',
      'fgvc_aircraft',
      'sun397',
      'dtd',
      'eurosat',
      'ucf101',
    ],
    source: 'imagenet',
    shifted: ['imagenetv2', 'imagenet_sketch', 'imagenet_a', 'imagenet_r'],
  },
  icons: {
    sets: ['icons-things', 'icons-styles', 'icons-concepts'],
    source: 'icons-things',
    shifted: ['icons-emojione-v1', 'icons-fxemoji'],
  },
};

export const groupNames: readonly string[] = Object.keys(GROUPS);

/** Column headings of the papers' tables. */
const TITLES: Readonly<Record<string, string>> = {
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
  imagenetv2: 'ImageNetV2',
  imagenet_sketch: 'ImageNet-Sketch',
  imagenet_a: 'ImageNet-A',
  imagenet_r: 'ImageNet-R',
};

/** The column heading of a data set. */
export function titleOf(data: string): string {
  return Object.hasOwn(TITLES, data) ? (TITLES[data] as string) : data;
}

/** What a protocol trains on and what each run is evaluated on afterwards, by what `--data` names. */
export interface Tasks {
  readonly train: readonly string[];
  /** Other data sets that every run is evaluated on. */
  readonly targets: readonly string[];
}

/**
 * Data sets of a protocol.
 * @param data names of groups, of data sets, or paths
 * @param source what cross-dataset and domain train on; default: the group's, else the first
 * @throws InputError where there is nothing to evaluate on
 */
export function tasksOf(protocol: Protocol, data: readonly string[], source?: string): Tasks {
  const group = data.length === 1 && Object.hasOwn(GROUPS, data[0] ?? '') ? GROUPS[data[0] ?? ''] : undefined;
  const sets = data.flatMap((name) => (Object.hasOwn(GROUPS, name) ? (GROUPS[name]?.sets ?? []) : [name]));
  const twice = sets.find((name, index) => sets.indexOf(name) !== index);
  if (twice !== undefined) throw new InputError('--data', `${twice} is named twice`, 'name each data set once');
  if (protocol === 'few-shot' || protocol === 'base-to-new') return { train: sets, targets: [] };
  const from = source ?? group?.source ?? sets[0] ?? '';
  const targets = (protocol === 'domain' && group ? group.shifted : sets).filter((name) => name !== from);
  if (targets.length === 0)
    throw new InputError(
      '--data',
      `${protocol} needs a data set to train on and others to evaluate on, and there is only ${from}`,
      'name them: --data SOURCE,TARGET,TARGET or --source SOURCE --data TARGET,TARGET',
    );
  return { train: [from], targets };
}
