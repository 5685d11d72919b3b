/** Checks of a method definition before it is registered: another package's may come from JavaScript. */
import { InputError } from '@mudpt/tensor';
import type { MethodDefinition } from './definition.ts';
import { PROTOCOLS, type PublishedSettings } from './published.ts';
import { trainingPreset } from './training-settings.ts';

/** Lower case letters, digits and `-`: it becomes part of folder names and of commands. */
const NAME = /^[a-z0-9][a-z0-9-]*$/;

/** Names that `--method` understands as something else. */
const RESERVED: ReadonlySet<string> = new Set(['auto']);

/** @throws InputError naming the field of a definition that cannot be used, and how to mend it */
export function checkMethodDefinition(definition: MethodDefinition): void {
  const given = (definition ?? {}) as Partial<MethodDefinition>;
  checkNames(given);
  checkDefaults(given);
  checkPublished(given);
}

function unusable({ name }: Partial<MethodDefinition>, problem: string, fix: string, cause?: unknown): InputError {
  const called = typeof name === 'string' ? `"${name}" ` : '';
  return new InputError('registerMethod', `the definition ${called}${problem}`, fix, cause === undefined ? undefined : { cause });
}

function checkNames(given: Partial<MethodDefinition>): void {
  const { name, title, summary, variants, create } = given;
  if (typeof name !== 'string' || !NAME.test(name))
    throw unusable(given, 'has no name that --method could take', 'name it with lower case letters, digits and -');
  if (RESERVED.has(name)) throw unusable(given, 'has a name that --method understands as something else', 'choose another name');
  for (const [field, text] of Object.entries({ title, summary }))
    if (typeof text !== 'string' || text.trim() === '')
      throw unusable(
        given,
        `has no ${field}`,
        'give it a title as papers write it, and a sentence about what is learnt as its summary',
      );
  if (typeof create !== 'function') throw unusable(given, 'has no function create', 'make the definition with defineMethod');
  if (typeof variants !== 'object' || variants === null)
    throw unusable(given, 'has no variants', 'give {} where the paper has no other settings');
}

/** The values of a schema with some of them given. @throws InputError for anything but a schema that takes them */
function valuesOf(
  given: Partial<MethodDefinition>,
  what: string,
  schema: unknown,
  overrides: unknown = {},
): Record<string, unknown> {
  const { parse } = (schema ?? {}) as { parse?: (value: unknown) => unknown };
  if (typeof parse !== 'function') throw unusable(given, `has ${what} that are no zod schema`, 'give z.strictObject({ ... })');
  try {
    const values = parse.call(schema, overrides);
    if (typeof values === 'object' && values !== null && !Array.isArray(values)) return values as Record<string, unknown>;
  } catch (cause) {
    throw unusable(
      given,
      `has ${what} that refuse ${JSON.stringify(overrides)}: ${(cause as Error).message}`,
      'give every field its published default, and each variant values that the fields take',
      cause,
    );
  }
  throw unusable(given, `has ${what} that are no object`, 'give z.strictObject({ ... })');
}

type Overrides = { readonly settings?: unknown; readonly training?: unknown };

function checkOverrides(given: Partial<MethodDefinition>, { settings, training }: Overrides, place: string): void {
  if (settings) valuesOf(given, `settings ${place}`, given.settings, settings);
  if (training) valuesOf(given, `training settings ${place}`, given.training, training);
}

function checkDefaults(given: Partial<MethodDefinition>): void {
  const { settings, training, variants = {} } = given;
  valuesOf(given, 'settings', settings);
  if (training !== undefined) {
    const values = valuesOf(given, 'training settings', training);
    const missing = Object.keys(trainingPreset({}).parse({})).filter((field) => !(field in values));
    if (missing.length > 0)
      throw unusable(given, `has training settings without ${missing.join(', ')}`, 'make them with trainingPreset');
  }
  for (const [variant, overrides] of Object.entries(variants)) checkOverrides(given, overrides, `of the variant "${variant}"`);
}

function checkPublished(given: Partial<MethodDefinition>): void {
  const { published = [] } = given;
  if (!Array.isArray(published))
    throw unusable(given, 'has published settings that are no list', 'give [] where nothing was published');
  for (const [at, one] of (published as readonly unknown[]).entries()) {
    const { protocols, source, ...overrides } = (one ?? {}) as Partial<PublishedSettings>;
    const what = `the published settings at ${at}`;
    if (!Array.isArray(protocols) || protocols.length === 0 || protocols.some((protocol) => !PROTOCOLS.includes(protocol)))
      throw unusable(given, `has ${what} without protocols that are known`, `name some of ${PROTOCOLS.join(', ')}`);
    if (typeof source !== 'string' || source.trim() === '')
      throw unusable(given, `has ${what} without a source`, 'name the paper, or the file in its repository');
    checkOverrides(given, overrides, `in ${what}`);
  }
}
