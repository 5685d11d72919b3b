/** What a run with some flags would take: the values of its settings, by method and model. */
import { PROTOCOLS, valuesText } from '../method/published.ts';
import { fitToModel, resolveConfig } from '../runs/settings/config.ts';
import { sizesOf } from '../runs/material/model.ts';
import { protocolNotes } from '../runs/settings/published.ts';
import { SCHEMAS, type Schemas, type Section, settingsFor, valuesOf } from '../runs/settings/schemas.ts';
import type { RunConfig } from '../runs/settings/settings.ts';
import type { Setting } from '../settings/fields.ts';
import { table } from '../terminal/text.ts';
import { flagsOf, inputOf, type TrainFlags } from '../runs/settings/input.ts';

/** Values of a run, for people. */
export interface Defaults {
  readonly title: string;
  readonly config: RunConfig;
  /** By flag; flags that the run's method has not, and settings without a value, are absent. */
  readonly flags: ReadonlyMap<string, string>;
  readonly sections: Readonly<Record<Section, readonly Setting[]>>;
  /** Protocols and variants of the method, a line each. */
  readonly choices: readonly string[];
  /** Sentences on settings that the model changes, and on the protocol. */
  readonly notes: readonly string[];
}

/** Resolves presets as a run would; the model's sizes are read where that needs no download. */
export async function trainDefaults(flags: TrainFlags, schemas = SCHEMAS): Promise<Defaults> {
  const input = await inputOf(flags, schemas);
  const resolved = resolveConfig(input, 'configuration', schemas);
  const sizes = await sizesOf(resolved.model);
  const { config, notes } = sizes ? fitToModel(resolved, input, sizes, schemas) : { config: resolved, notes: [] };
  const sections = settingsFor(config.method, schemas);
  const shown = [...flagsOf(sections)].flatMap(([flag, settings]): [string, string][] => {
    const values = settings.map(({ section, name }) => [name, valuesOf(config, section)[name]] as const);
    const given = values.filter(([, value]) => value !== undefined);
    if (given.length === 0) return [];
    const texts = given.map(([, value]) => shortText(value));
    return [
      [flag, new Set(texts).size === 1 ? (texts[0] as string) : given.map(([name], i) => `${name} ${texts[i]}`).join(', ')],
    ];
  });
  const unknown = sizes ? [] : ['counts of layers are lowered to those of the model, which is not at hand'];
  const hasLayers = sections.settings.some(({ metadata }) => metadata.counts === 'layers');
  const { title } = schemas.methodNamed(config.method);
  const told = [...notes, ...(hasLayers ? unknown : []), ...protocolNotes(config, schemas)];
  return { title, config, flags: new Map(shown), sections, choices: choicesOf(config.method, schemas), notes: told };
}

/** What `--protocol` and `--variant` choose for a method. */
function choicesOf(method: string, schemas: Schemas): string[] {
  const { title, published = [], variants } = schemas.methodNamed(method);
  const rows = published.map((one) => [
    one.protocols.join(', '),
    one.data?.join(', ') ?? '',
    one.shots ? `${one.shots.join(', ')} shots` : '',
    valuesText(one),
    one.source,
  ]);
  const without = PROTOCOLS.filter((protocol) => !published.some(({ protocols }) => protocols.includes(protocol)));
  const named = Object.entries(variants).map(([name, values]) => [name, valuesText(values)]);
  const lines = (cells: string[][]): string[] => table(cells, { most: 100 }).map((line) => `  ${line}`);
  return [
    ...(rows.length > 0 ? [`What --protocol takes for ${title}, later lines over earlier ones:`, ...lines(rows)] : []),
    ...(without.length > 0 ? [`${title} publishes nothing for ${without.join(', ')}.`] : []),
    ...(named.length > 0 ? [`Variants of ${title} (--variant):`, ...lines(named)] : [`${title} has no variants.`]),
  ];
}

/** What `--set` can set, and the value each setting has in this run. */
export function helpOf({ title, config, sections, choices, notes }: Defaults): string {
  const rows = (section: Section, settings: readonly Setting[]): string[][] =>
    settings.map(({ name, description }) => [name, shortText(valuesOf(config, section)[name]), description]);
  const lines = (cells: string[][]): string[] => table(cells, { most: 100 }).map((line) => `  ${line}`);
  const others = sections.run.filter(({ metadata }) => metadata.flag === undefined);
  return [
    `In brackets: what this run would take (${title} on ${config.model}; --method and --model tell of another one).`,
    `What --set can set for ${title}:`,
    ...lines([...rows('settings', sections.settings), ...rows('training', sections.training)]),
    'and for every run:',
    ...lines(rows('run', others)),
    ...choices,
    ...notes.map((note) => `note: ${note}`),
  ].join('\n');
}

function shortText(value: unknown): string {
  const text = value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 24 ? `${text.slice(0, 23)}…` : text;
}
