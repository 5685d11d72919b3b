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
  const {
    name,
    title,
    summary,
    settings,
    training,
    variants,
    published = [],
    create,
  } = (definition ?? {}) as Partial<MethodDefinition>;
  const fail = (problem: string, fix: string, cause?: unknown): InputError =>
    new InputError(
      'registerMethod',
      `the definition ${typeof name === 'string' ? `"${name}" ` : ''}${problem}`,
      fix,
      cause === undefined ? undefined : { cause },
    );
  if (typeof name !== 'string' || !NAME.test(name))
    throw fail('has no name that --method could take', 'name it with lower case letters, digits and -');
  if (RESERVED.has(name)) throw fail('has a name that --method understands as something else', 'choose another name');
  for (const [field, text] of Object.entries({ title, summary }))
    if (typeof text !== 'string' || text.trim() === '')
      throw fail(`has no ${field}`, 'give it a title as papers write it, and a sentence about what is learnt as its summary');
  if (typeof create !== 'function') throw fail('has no function create', 'make the definition with defineMethod');
  if (typeof variants !== 'object' || variants === null)
    throw fail('has no variants', 'give {} where the paper has no other settings');
  const defaults = (what: string, schema: unknown, overrides: unknown = {}): Record<string, unknown> => {
    const { parse } = (schema ?? {}) as { parse?: (value: unknown) => unknown };
    if (typeof parse !== 'function') throw fail(`has ${what} that are no zod schema`, 'give z.strictObject({ ... })');
    try {
      const values = parse.call(schema, overrides);
      if (typeof values === 'object' && values !== null && !Array.isArray(values)) return values as Record<string, unknown>;
    } catch (cause) {
      throw fail(
        `has ${what} that refuse ${JSON.stringify(overrides)}: ${(cause as Error).message}`,
        'give every field its published default, and each variant values that the fields take',
        cause,
      );
    }
    throw fail(`has ${what} that are no object`, 'give z.strictObject({ ... })');
  };
  defaults('settings', settings);
  if (training !== undefined) {
    const given = defaults('training settings', training);
    const missing = Object.keys(trainingPreset({}).parse({})).filter((field) => !(field in given));
    if (missing.length > 0) throw fail(`has training settings without ${missing.join(', ')}`, 'make them with trainingPreset');
  }
  for (const [variant, overrides] of Object.entries(variants)) {
    if (overrides.settings) defaults(`settings of the variant "${variant}"`, settings, overrides.settings);
    if (overrides.training) defaults(`training settings of the variant "${variant}"`, training, overrides.training);
  }
  if (!Array.isArray(published)) throw fail('has published settings that are no list', 'give [] where nothing was published');
  for (const [place, one] of (published as readonly unknown[]).entries()) {
    const { protocols, source, ...overrides } = (one ?? {}) as Partial<PublishedSettings>;
    const what = `the published settings at ${place}`;
    if (!Array.isArray(protocols) || protocols.length === 0 || protocols.some((protocol) => !PROTOCOLS.includes(protocol)))
      throw fail(`has ${what} without protocols that are known`, `name some of ${PROTOCOLS.join(', ')}`);
    if (typeof source !== 'string' || source.trim() === '')
      throw fail(`has ${what} without a source`, 'name the paper, or the file in its repository');
    if (overrides.settings) defaults(`settings in ${what}`, settings, overrides.settings);
    if (overrides.training) defaults(`training settings in ${what}`, training, overrides.training);
  }
}
