/** The settings of a run: one entry a setting, from which flag, help, key in `config.yaml` and folder name follow. */
import { basename } from 'node:path';
import * as z from 'zod';
import type { Dataset } from '../../data/index.ts';
import { datasetNames } from '../../datasets/index.ts';
import { importedSchema } from '../../import/record.ts';
import { type DescriptionsFile, descriptionsSchema } from './text-files.ts';
import { bytesOfSize } from '../../memory/budget.ts';
import { methodNames, PROTOCOLS } from '../../methods/index.ts';
import { hashesOf, pluginSchema } from '../../plugins/load.ts';
import { settingMetadata } from '../../settings/metadata.ts';

const SIZE = 'a size such as 2GiB or 800MB, or "auto"';
const whole = z.coerce.number().int();
const yesOrNo = z.stringbool().or(z.boolean());

/** All settings of a run. To add one, add an entry here (`SettingMetadata` documents its fields). */
export const runSettings = z.strictObject({
  data: z
    .string()
    .default('icons')
    .describe('folder with a folder per class, CoOp split file (.json), table (.csv), or a name')
    .register(settingMetadata, { flag: 'data', placeholder: 'data', names: datasetNames, changesNumbers: false }),
  /** Whether `data` is the name of a data set that a program gave as a value: no name or path stands for it. */
  dataGiven: z
    .boolean()
    .optional()
    .describe('the data set was given as a value, and is given again to go on')
    .register(settingMetadata, { isInternal: true, changesNumbers: false }),
  root: z
    .string()
    .default('data')
    .describe('folder of the data sets known by name')
    .register(settingMetadata, { flag: 'root', placeholder: 'folder', changesNumbers: false }),
  template: z
    .string()
    .optional()
    .describe("prompt of zero-shot classification, with {} for the class name; default the data set's")
    .register(settingMetadata, { flag: 'template', placeholder: 'text', changesNumbers: false }),
  descriptions: z
    .union([z.string(), descriptionsSchema])
    .optional()
    .describe(
      'JSON with sentences for every class, {"name": ["sentence", ...]}: zero-shot texts, and those of methods that read them, are made of them, not of a template',
    )
    .register(settingMetadata, {
      flag: 'descriptions',
      placeholder: 'file',
      takes: 'a file',
      identity: (given: DescriptionsFile | undefined) => (typeof given === 'object' ? given.sha256 : given),
    }),
  allowOutside: yesOrNo
    .optional()
    .describe('let a table name files outside of its folder')
    .register(settingMetadata, { flag: 'allow-outside', changesNumbers: false }),
  method: z
    .string()
    .default('mudpt')
    .describe('what is learnt; auto: prompts and what is fitted in seconds, the best on validation')
    .register(settingMetadata, { flag: 'method', placeholder: 'method', names: methodNames, folder: (method: string) => method }),
  variant: z
    .string()
    .optional()
    .describe('another form of the method that was published, by its name')
    .register(settingMetadata, {
      flag: 'variant',
      placeholder: 'name',
      folder: (variant: string | undefined) => variant,
      changesNumbers: false,
    }),
  model: z
    .string()
    .default('embedded')
    .describe('"embedded", a folder, a .pt file, or a name on the Hugging Face hub')
    .register(settingMetadata, {
      flag: 'model',
      placeholder: 'model',
      folder: (model: string) => basename(model),
      changesNumbers: false,
    }),
  shots: z
    .union([z.literal('all'), whole.positive()])
    .default(16)
    .describe('training pictures per class, or "all"')
    .register(settingMetadata, {
      flag: 'shots',
      placeholder: 'count',
      folder: (shots: number | 'all') => (shots === 'all' ? 'all' : `${shots}shots`),
    }),
  seed: whole
    .nonnegative()
    .default(1)
    .describe('of selection, initial values, order and augmentation')
    .register(settingMetadata, { flag: 'seed', placeholder: 'number', subfolder: (seed: number) => `seed${seed}` }),
  classes: z
    .enum(['all', 'base', 'new'])
    .default('all')
    .describe('train on all classes or one half of them')
    .register(settingMetadata, {
      flag: 'classes',
      placeholder: 'which',
      folder: (classes: string) => (classes === 'all' ? undefined : classes),
    }),
  protocol: z
    .enum(PROTOCOLS)
    .optional()
    .describe(
      "take the settings that the method's authors published for it, by data set and shots; base-to-new trains on base classes",
    )
    .register(settingMetadata, {
      flag: 'protocol',
      placeholder: 'which',
      names: () => PROTOCOLS,
      folder: (protocol: string | undefined) => protocol,
      changesNumbers: false,
    }),
  exif: z
    .enum(['ignore', 'apply'])
    .optional()
    .describe(
      'turn photographs upright by the tag of the camera, or leave pixels as they are stored; default: as CLIP and the papers saw them',
    )
    .register(settingMetadata, { flag: 'exif', placeholder: 'how' }),
  memory: z.coerce
    .string()
    .refine((text) => text === 'auto' || bytesOfSize(text) !== undefined, SIZE)
    .default('auto')
    .describe('device memory the run may take, such as 2GiB: what does not fit is computed twice, with the same result')
    .register(settingMetadata, { flag: 'memory', placeholder: 'size', takes: SIZE, changesNumbers: false }),
  plugins: z
    .array(pluginSchema)
    .optional()
    .describe('modules that register methods and data sets of other packages, loaded first')
    .register(settingMetadata, { identity: hashesOf }),
  imported: importedSchema
    .optional()
    .describe('the checkpoint of the authors that what was learnt was read from, instead of training')
    .register(settingMetadata, {
      folder: (imported: object | undefined) => imported && 'imported',
      identity: (imported: { readonly sha256: string } | undefined) => imported?.sha256,
    }),
  settings: z
    .record(z.string(), z.unknown())
    .default({})
    .describe("the method's settings")
    .register(settingMetadata, { isInternal: true }),
  training: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('how it is trained')
    .register(settingMetadata, { isInternal: true }),
  accumulate: whole.positive().default(1).describe('batches whose gradients are averaged before an update'),
  precision: z.enum(['f32', 'f16']).default('f32').describe("storage of the frozen model's weights; what is learnt is f32"),
  activations: z
    .enum(['f32', 'f16'])
    .default('f32')
    .describe(
      'activations of the blocks, and what of them is kept for the backward; residual streams, norms, sums, losses and gradients are f32',
    )
    .register(settingMetadata, { before: 'f32' }),
  augment: yesOrNo.default(true).describe('random crops and flips of training pictures'),
  patience: whole.nonnegative().default(0).describe('stop after so many epochs without a better validation accuracy; 0: never'),
  finalModel: z
    .enum(['last_step', 'best_val'])
    .default('last_step')
    .describe('what training ends with: the last step, or the best epoch on validation (the first of equal ones), as in Dassl')
    .register(settingMetadata, { flag: 'final-model', placeholder: 'which', before: 'last_step', forTraining: true }),
  validateEvery: whole
    .positive()
    .default(1)
    .describe('epochs from one look at the validation pictures to the next, where they choose or stop')
    .register(settingMetadata, { before: 1, forTraining: true }),
  newEachEpoch: yesOrNo
    .default(false)
    .describe(
      'with --classes base: accuracy on the test pictures of new classes after each epoch, for the curve alone: nothing is chosen by it',
    )
    .register(settingMetadata, { flag: 'new-each-epoch', changesNumbers: false, forTraining: true }),
  evaluationBatch: whole
    .positive()
    .default(100)
    .describe('pictures at once in evaluation')
    .register(settingMetadata, { changesNumbers: false }),
  logEvery: whole
    .positive()
    .default(10)
    .describe('steps between two readings of the loss')
    .register(settingMetadata, { changesNumbers: false }),
  checkpointSeconds: z.coerce
    .number()
    .nonnegative()
    .default(30)
    .describe('seconds between two checkpoints within an epoch')
    .register(settingMetadata, { changesNumbers: false }),
  alternatives: yesOrNo
    .default(true)
    .describe('fit a linear probe and Tip-Adapter to the same pictures as well (seconds), and say when one is clearly better')
    .register(settingMetadata, { changesNumbers: false }),
  keepEpochs: z
    .union([z.literal('all'), whole.nonnegative()])
    .default(0)
    .describe('epochs whose learnt tensors are kept for --load-epoch: so many of the last ones, or "all"')
    .register(settingMetadata, { flag: 'keep-epochs', placeholder: 'count', changesNumbers: false, forTraining: true }),
  report: z
    .enum(['yes', 'no'])
    .default('yes')
    .describe('write report.html and its charts once the run has finished')
    .register(settingMetadata, { flag: 'report', placeholder: 'yes|no', changesNumbers: false }),
  workers: whole
    .nonnegative()
    .max(256)
    .optional()
    .describe('threads that decode pictures')
    .register(settingMetadata, { changesNumbers: false }),
  tensorboard: yesOrNo
    .default(false)
    .describe('write TensorBoard events too')
    .register(settingMetadata, { changesNumbers: false }),
});

/** A run's configuration, complete: `settings` and `training` hold every value of the method's schemas. */
export type RunConfig = z.output<typeof runSettings>;
/** A configuration in which settings with defaults may be left out. */
export type RunInput = z.input<typeof runSettings>;

/** The same, where a data set may be a value too. */
export type TrainInput = Omit<RunInput, 'data' | 'dataGiven'> & { readonly data?: string | Dataset | undefined };
