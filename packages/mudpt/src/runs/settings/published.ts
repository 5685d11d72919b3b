/** Settings of a run from a protocol and a variant, with notes for people. */
import { InputError } from '@mudpt/tensor';
import { isEqual } from '@mudpt/tensor/internal';
import type { MethodDefinition } from '../../methods/index.ts';
import { mergeVariants, type MethodVariant, publishedFor } from '../../method/published.ts';
import { suggestion } from '../../settings/suggestion.ts';
import { SCHEMAS } from './schemas.ts';
import type { RunConfig } from './settings.ts';

type Asked = Pick<RunConfig, 'method' | 'protocol' | 'variant' | 'data' | 'shots'>;
type Published = Pick<MethodDefinition, 'title' | 'published' | 'variants'>;

/** What stands between the defaults of a run and what was set by name. */
export interface PublishedValues extends Required<MethodVariant> {
  /** Whether the protocol was published, so that the method's defaults hold for the rest, and no preset of the base model. */
  readonly isPublished: boolean;
}

/** The values of the protocol, then of the variant. @throws InputError for a variant that the method does not have */
export function publishedValues(config: Asked, method: Published, source: string): PublishedValues {
  const { variant } = config;
  const known = Object.keys(method.variants);
  if (variant !== undefined && !known.includes(variant))
    throw new InputError(
      source,
      `${config.method} has no variant "${variant}"`,
      known.length > 0 ? suggestion(variant, known) : 'it has none: leave it out',
    );
  const found = forProtocol(config, method);
  const chosen = variant === undefined ? [] : [method.variants[variant] as MethodVariant];
  return { ...mergeVariants([...found, ...chosen]), isPublished: found.length > 0 };
}

/** One sentence where a protocol was asked for and nothing was published for it. */
export function unpublished(config: Asked, schemas = SCHEMAS): string | undefined {
  const { protocol, shots, data } = config;
  const method = schemas.methodNamed(config.method);
  if (protocol === undefined || forProtocol(config, method).length > 0) return undefined;
  const isElsewhere = method.published?.some(({ protocols }) => protocols.includes(protocol)) ?? false;
  const where = isElsewhere ? ` with ${shots === 'all' ? 'all images' : `${shots} shots`} on ${data}` : '';
  return `${method.title} publishes nothing for ${protocol}${where}: the run takes its usual settings`;
}

/** Sentences on a run of a protocol: that nothing was published, or what of it was set to something else. */
export function protocolNotes(config: RunConfig, schemas = SCHEMAS): string[] {
  const nothing = unpublished(config, schemas);
  if (nothing !== undefined) return [nothing];
  const { settings, training } = publishedValues(config, schemas.methodNamed(config.method), 'configuration');
  const others = (values: object, taken: Readonly<Record<string, unknown>>): string[] =>
    Object.entries(values)
      .filter(([name, value]) => !isEqual(value, taken[name]))
      .map(([name, value]) => `${name} is ${JSON.stringify(taken[name])}, and ${JSON.stringify(value)} is published`);
  return [...others(settings, config.settings), ...others(training, config.training)];
}

/** Where the settings of a run's protocol are published. */
export function sourcesOf(config: Asked, schemas = SCHEMAS): string[] {
  const found = forProtocol(config, schemas.methodNamed(config.method));
  return [...new Set(found.map(({ source }) => source))];
}

function forProtocol({ protocol, data, shots }: Asked, { published }: Pick<Published, 'published'>) {
  return protocol === undefined ? [] : publishedFor(published, { protocol, data, shots });
}
