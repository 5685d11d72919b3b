/** The method beside whose logits DePT's classifier stands, with its settings. */
import { z } from 'zod';
import type { MethodDefinition } from '../method/definition.ts';
import { MethodError } from '../method/errors.ts';
import type { CreationContext, PromptMethod } from '../method/method.ts';
import { settingsForLayers } from '../method/model-defaults.ts';
import { decidedSetting, decidedText } from '../settings/decided.ts';
import { settingsOf } from '../settings/fields.ts';
import { settingMetadata } from '../settings/metadata.ts';
import { suggestion } from '../settings/suggestion.ts';
import { atprompt } from './atprompt.ts';
import { cocoop } from './cocoop.ts';
import { coop } from './coop.ts';
import { ivlp } from './ivlp.ts';
import { kgcoop } from './kgcoop.ts';
import { maple } from './maple.ts';
import { mudpt } from './mudpt.ts';
import { promptsrc } from './promptsrc.ts';

/** The methods whose logits the classifier may stand beside: those with a cross-entropy of cosines. */
export const BASES = { coop, cocoop, kgcoop, maple, atprompt, ivlp, promptsrc, mudpt } as const;
const baseNames = Object.keys(BASES) as [keyof typeof BASES, ...(keyof typeof BASES)[]];

const deptFields = z.strictObject({
  base: z.enum(baseNames).default('coop').describe('the method whose prompts are learnt'),
  baseSettings: z
    .record(z.string(), z.unknown())
    .default({})
    .describe("that method's settings, as {name: value}; what is left out is as its defaults have it")
    .register(settingMetadata, { holds: ({ base }) => String(base) }),
  weight: z.number().min(0).max(1).default(0.7).describe("of the classifier in loss and logits; the prompts' have the rest"),
  rateFactor: z
    .number()
    .positive()
    .default(6.5)
    .describe('the learning rate of the classifier is so many times that of the prompts'),
});

export type DeptSettings = z.output<typeof deptFields>;

/** Settings of the base are refused as its own runs refuse them: unknown ones, values out of range, and what another one decides. */
export const deptSettings = deptFields.superRefine(({ base, baseSettings: asked }, { addIssue }) => {
  const schema = BASES[base].settings;
  const fields = settingsOf(schema);
  const refuse = (name: string, message: string): void => addIssue({ code: 'custom', path: ['baseSettings', name], message });
  const names = fields.map(({ name }) => name);
  for (const name of Object.keys(asked))
    if (!names.includes(name)) return refuse(name, `${base} has no such setting: ${suggestion(name, names)}`);
  const parsed = schema.safeParse(asked);
  const [issue] = parsed.error?.issues ?? [];
  if (issue) return refuse(issue.path.join('.'), issue.message);
  const decided = decidedSetting(fields, parsed.data as Record<string, unknown>, asked);
  if (decided) refuse(decided.name, decidedText(decided));
});

/** The base with its settings, and sentences on those that count layers and that nobody asked for: they are no more than the towers have. */
export function baseOf(
  context: CreationContext,
  { base: name, baseSettings: asked }: DeptSettings,
): { readonly base: PromptMethod; readonly notes: readonly string[] } {
  const definition: MethodDefinition = BASES[name];
  const fields = settingsOf(definition.settings);
  const values = definition.settings.parse(asked) as Record<string, unknown>;
  const layers = Math.min(context.image.config.layers, context.text.config.layers);
  const { settings, notes } = settingsForLayers(name, fields, values, asked, layers);
  const base = definition.create(context, settings);
  if (base.kind === 'prompts') return { base, notes };
  throw new MethodError('dept', `${name} learns no prompts`, 'choose another base');
}
