/** What a run is asked to do: one schema for the command line, `config.yaml` and the run folder's name. */
import { basename } from 'node:path';
import { FormatError } from '@mudpt/tensor';
import * as z from 'zod';
import { bytesOfSize } from '../memory/budget.ts';
import { methodNamed, type TrainingInput, type TrainingSettings } from '../methods/index.ts';

const schema = z.strictObject({
  data: z.string().default('icons').describe('name of a data set, or a path: class folders, split file (.json), table (.csv)'),
  root: z.string().default('data').describe('folder of the data sets known by name'),
  template: z
    .string()
    .optional()
    .describe("prompt of zero-shot classification, with {} for the class name; default the data set's"),
  allowOutside: z.stringbool().or(z.boolean()).optional().describe('whether a table may name files outside of its folder'),
  exif: z
    .enum(['ignore', 'apply'])
    .optional()
    .describe(
      'whether photographs are turned upright by the tag of the camera; default: as they are stored, as CLIP was trained',
    ),
  model: z.string().default('embedded').describe('"embedded", a folder, a .pt file, or a name on the Hugging Face hub'),
  method: z.string().default('mudpt').describe('what is learnt'),
  shots: z
    .union([z.literal('all'), z.coerce.number().int().positive()])
    .default(16)
    .describe('training pictures per class, or "all"'),
  seed: z.coerce.number().int().nonnegative().default(1).describe('of selection, initial values, order and augmentation'),
  classes: z.enum(['all', 'base', 'new']).default('all').describe('train on all classes or one half of them'),
  settings: z.record(z.string(), z.unknown()).default({}).describe("the method's own settings"),
  training: z.record(z.string(), z.unknown()).default({}).describe('how it is trained'),
  accumulate: z.coerce.number().int().positive().default(1).describe('batches whose gradients are averaged before an update'),
  precision: z.enum(['f32', 'f16']).default('f32').describe("storage of the frozen model's weights; what is learnt is f32"),
  memory: z.coerce
    .string()
    .refine((text) => text === 'auto' || bytesOfSize(text) !== undefined, 'a size such as 2GiB or 800MB, or "auto"')
    .default('auto')
    .describe('device memory the run may take, such as 2GiB: what does not fit is computed twice, with the same result'),
  augment: z.stringbool().or(z.boolean()).default(true).describe('random crops and flips of training pictures'),
  patience: z.coerce
    .number()
    .int()
    .nonnegative()
    .default(0)
    .describe('stop after so many epochs without a better validation accuracy; 0: never'),
  evaluationBatch: z.coerce.number().int().positive().default(100).describe('pictures at once in evaluation'),
  logEvery: z.coerce.number().int().positive().default(10).describe('steps between two readings of the loss'),
  checkpointSeconds: z.coerce.number().nonnegative().default(30).describe('seconds between two checkpoints within an epoch'),
  alternatives: z
    .stringbool()
    .or(z.boolean())
    .default(true)
    .describe('fit a linear probe and Tip-Adapter to the same pictures as well (seconds), and say when one is clearly better'),
  workers: z.coerce.number().int().nonnegative().max(256).optional().describe('threads that decode pictures'),
  tensorboard: z.stringbool().or(z.boolean()).default(false).describe('write TensorBoard events too'),
});

/** A run's configuration, complete: `settings` and `training` hold every value of the method's own schemas. */
export type RunConfig = z.output<typeof schema>;
/** What may be left out is. */
export type RunInput = z.input<typeof schema>;

/** Fields and their descriptions, for help texts. */
export const runFields: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(schema.shape).map(([name, field]) => [name, field.description ?? name]),
);

/** Prompts and layers beyond this are a slip: they would take the memory of the machine before a tower refused them. */
const MOST_PROMPTS = 4096;

/**
 * Fills in defaults, the method's published ones included.
 * @throws FormatError naming the field, what it may be, and where it came from
 */
export function resolveConfig(input: RunInput, source = 'configuration'): RunConfig {
  const config = checked(schema, input, source, '');
  const method = methodNamed(config.method);
  const settings = checked(method.settings, config.settings, source, 'settings.') as Record<string, unknown>;
  for (const [name, value] of Object.entries(settings))
    if (/(length|depth)$/i.test(name) && typeof value === 'number' && value > MOST_PROMPTS)
      throw new FormatError(source, `settings.${name} is ${value}, more than any tower takes`, `give at most ${MOST_PROMPTS}`);
  if (!method.training && Object.keys(config.training).length > 0)
    throw new FormatError(source, `${config.method} is fitted, not trained, so it has no training settings`, 'leave them out');
  if (!method.training) return { ...config, settings, training: {} };
  const standard = method.training.parse({});
  const own = config.model === 'embedded' ? { ...embeddedTraining(standard), ...config.training } : config.training;
  return { ...config, settings, training: checked(method.training, own, source, 'training.') };
}

/**
 * Training settings where the configuration is silent and the base model is the embedded one. The published ones were made for ViT-B/16 on
 * photographs; these were chosen on validation pictures of the icons: larger batches at a rate to match, and crops that leave a small drawing whole.
 */
function embeddedTraining({ optimizer, batchSize }: TrainingSettings): TrainingInput {
  // Methods that are trained on features, or on one picture at a time, keep what was published for them.
  if (optimizer !== 'sgd' || batchSize === 1) return {};
  return { batchSize: 32, epochs: 20, lr: 0.06, cropScale: [0.6, 1] };
}

function checked<T>(type: z.ZodType<T>, value: unknown, source: string, prefix: string): T {
  const parsed = type.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = `${prefix}${issue?.path.join('.') ?? ''}`;
  throw new FormatError(source, `${path || 'the whole'}: ${issue?.message}`, 'see --help for what may be set, and to what');
}

/**
 * The folder of a run below the folder of all runs: `<data>/<method>-<model>-<shots>shots-<mark>/seed<seed>`.
 * @param mark what tells runs apart that have the same names: see `folderMark`
 */
export function runName(config: RunConfig, datasetName: string, mark: string): string {
  const plain = (text: string): string => text.replaceAll(/[^\w.-]+/g, '_').replaceAll(/^[._]+|[._]+$/g, '') || 'unnamed';
  const { method, shots, seed, classes, model } = config;
  const shotsPart = shots === 'all' ? 'all' : `${shots}shots`;
  const parts = [method, plain(basename(model)), shotsPart, ...(classes === 'all' ? [] : [classes]), mark];
  return `${plain(datasetName)}/${parts.join('-')}/seed${seed}`;
}

/**
 * Everything in a configuration that changes the numbers of a run, as text; equal for equal runs. What memory changes is the order of sums;
 * paths count by what lies there (`marksOf`), and so does the template.
 */
export function identity(config: RunConfig): string {
  const { data: _d, root: _r, model: _b, template: _p, allowOutside: _o, alternatives: _a, ...numbers } = config;
  const { workers: _w, logEvery: _l, checkpointSeconds: _c, tensorboard: _t, evaluationBatch: _e, memory: _m, ...rest } = numbers;
  return JSON.stringify(sortKeys(rest));
}

function sortKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, own]) => [key, sortKeys(own)]),
  );
}
