/** Published settings of a method by protocol, data set and shots, each with its source. */
import type { TrainingSettings } from './training-settings.ts';

/** The protocols of the field: how a method is trained, and what it is measured on. */
export const PROTOCOLS = ['few-shot', 'base-to-new', 'cross-dataset', 'domain'] as const;
/** The name of an evaluation protocol. */
export type Protocol = (typeof PROTOCOLS)[number];

/** Settings that differ from a method's defaults. */
export type MethodVariant = {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly training?: Partial<TrainingSettings>;
};

/** Settings for some tasks; values that they leave out are the method's defaults. */
export type PublishedSettings = MethodVariant & {
  readonly protocols: readonly Protocol[];
  /** Names of the data sets that are trained on; default: any. */
  readonly data?: readonly string[];
  /** Training images a class; default: any. */
  readonly shots?: readonly number[];
  /** The paper, or the file in the authors' repository. */
  readonly source: string;
};

/** The task that a run is trained for. */
export interface Task {
  readonly protocol: Protocol;
  /** Name of the data set that is trained on. */
  readonly data: string;
  readonly shots: number | 'all';
}

/** The published settings for a task, in order: later ones win over earlier ones. Empty where nothing was published for it. */
export function publishedFor(
  published: readonly PublishedSettings[] | undefined,
  { protocol, data, shots }: Task,
): readonly PublishedSettings[] {
  return (published ?? []).filter(
    (one) =>
      one.protocols.includes(protocol) &&
      (one.data?.includes(data) ?? true) &&
      (one.shots === undefined || (shots !== 'all' && one.shots.includes(shots))),
  );
}

/** The values of all of them, later ones over earlier ones. */
export function mergeVariants(all: readonly MethodVariant[]): Required<MethodVariant> {
  return {
    settings: Object.assign({}, ...all.map(({ settings }) => settings)) as Record<string, unknown>,
    training: mergedTraining(all.map(({ training }) => training)),
  };
}

/** Later values over earlier ones. A later value of epochs without iterations removes earlier iterations, which would override it. */
export function mergedTraining(
  layers: readonly (Partial<TrainingSettings> | Readonly<Record<string, unknown>> | undefined)[],
): Partial<TrainingSettings> {
  return layers.reduce<Partial<TrainingSettings>>((all, layer = {}) => {
    const isByEpochs = layer['epochs' as keyof typeof layer] !== undefined && !('iterations' in layer) && 'iterations' in all;
    return { ...all, ...(isByEpochs && { iterations: 0 }), ...layer };
  }, {});
}

/** Values for people: `depth 3, lr 0.0026`; lists by their length. */
export function valuesText({ settings, training }: MethodVariant): string {
  const entries: [string, unknown][] = Object.entries({ ...settings, ...training });
  const shown = (value: unknown): string => (Array.isArray(value) ? `(${value.length} values)` : JSON.stringify(value));
  return entries.map(([name, value]) => `${name} ${shown(value)}`).join(', ');
}
