/** Settings of training that all methods share, with the defaults of the family's trainer (Dassl). Each method's file states its own. */
import type { AugmentOptions } from '@mudpt/clip';
import { z } from 'zod';
import { withDefault } from '../settings/fields.ts';
import { idleWhere, settingMetadata } from '../settings/metadata.ts';

function idleInCrops({ augmentation }: Readonly<Record<string, unknown>>): string | undefined {
  return idleWhere(augmentation === 'crop', 'augmentation is crop');
}

/** The fields of training settings, whose defaults a method changes with {@link trainingPreset}. */
const training = {
  optimizer: z
    .enum(['sgd', 'adam', 'adamw'])
    .default('sgd')
    .describe('update rule; "adam" adds the weight decay to the gradient, "adamw" takes it off the weights'),
  lr: z
    .number()
    .positive()
    .default(0.002)
    .describe('learning rate after the warm-up')
    .register(settingMetadata, { flag: 'lr', placeholder: 'rate' }),
  epochs: z
    .int()
    .positive()
    .default(10)
    .describe('passes over the training images')
    .register(settingMetadata, {
      flag: 'epochs',
      placeholder: 'count',
      idle: ({ iterations }) => idleWhere(iterations !== 0, `iterations is ${String(iterations)}`),
    }),
  iterations: z
    .int()
    .min(0)
    .default(0)
    .describe('updates after which training ends, in place of epochs: the last pass is cut, and cosines count updates; 0: epochs')
    .register(settingMetadata, { flag: 'iterations', placeholder: 'count', before: 0 }),
  batchSize: z
    .int()
    .positive()
    .default(4)
    .describe('images per step')
    .register(settingMetadata, { flag: 'batch', placeholder: 'count' }),
  momentum: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .describe('of SGD')
    .register(settingMetadata, { idle: ({ optimizer }) => idleWhere(optimizer !== 'sgd', `optimizer is ${String(optimizer)}`) }),
  weightDecay: z.number().min(0).default(5e-4).describe('applies to everything learnt, biases too'),
  adamEps: z
    .number()
    .positive()
    .default(1e-8)
    .describe('added to the root of the second moment (Adam, AdamW)')
    .register(settingMetadata, { idle: ({ optimizer }) => idleWhere(optimizer === 'sgd', 'optimizer is sgd') }),
  adamBetas: z
    .tuple([z.number().gt(0).lt(1), z.number().gt(0).lt(1)])
    .default([0.9, 0.999])
    .describe('decay of both moments (Adam, AdamW)')
    .register(settingMetadata, {
      before: [0.9, 0.999],
      idle: ({ optimizer }) => idleWhere(optimizer === 'sgd', 'optimizer is sgd'),
    }),
  schedule: z
    .enum(['cosine', 'cosine-per-step', 'constant'])
    .default('cosine')
    .describe('how the learning rate falls; "cosine" changes it once per epoch'),
  finalLr: z
    .number()
    .min(0)
    .default(0)
    .describe('learning rate that a cosine falls to')
    .register(settingMetadata, {
      before: 0,
      idle: ({ schedule }) => idleWhere(schedule === 'constant', 'schedule is constant'),
    }),
  warmupEpochs: z.int().min(0).default(1).describe('epochs at warmupLr before the schedule begins'),
  warmupLr: z
    .number()
    .positive()
    .default(1e-5)
    .describe('learning rate of the warm-up')
    .register(settingMetadata, { idle: ({ warmupEpochs }) => idleWhere(warmupEpochs === 0, 'warmupEpochs is 0') }),
  cropScale: z
    .tuple([z.number().positive().max(1), z.number().positive().max(1)])
    .default([0.08, 1])
    .describe('smallest and largest share of the picture that the random crop takes')
    .register(settingMetadata, {
      idle: ({ augmentation }) => idleWhere(augmentation === 'randaugment', 'augmentation is randaugment'),
    }),
  augmentation: z
    .enum(['crop', 'crop-randaugment', 'randaugment'])
    .default('crop')
    .describe(
      "how training pictures vary: by crop and flip; by these and torchvision's RandAugment; or by Dassl's RandAugment of the whole picture, squeezed into the square",
    )
    .register(settingMetadata, { before: 'crop' }),
  randOperations: z
    .int()
    .min(0)
    .max(16)
    .default(2)
    .describe('operations of RandAugment on a picture')
    .register(settingMetadata, { before: 2, idle: idleInCrops }),
  randMagnitude: z
    .int()
    .min(0)
    .max(30)
    .default(10)
    .describe('how strong the operations of RandAugment are')
    .register(settingMetadata, { before: 10, idle: idleInCrops }),
};

const trainingSchema = z.strictObject(training);

/** How a method is trained: everything the trainer reads. */
export type TrainingSettings = z.output<typeof trainingSchema>;
/** As written in a configuration: missing settings have the method's defaults. */
export type TrainingInput = z.input<typeof trainingSchema>;

/** How the loader varies training images. */
export function augmentationOf({
  cropScale: scale,
  augmentation,
  randOperations: operations,
  randMagnitude: magnitude,
}: Pick<TrainingSettings, 'cropScale' | 'augmentation' | 'randOperations' | 'randMagnitude'>): AugmentOptions {
  if (augmentation === 'crop') return { scale };
  if (augmentation === 'crop-randaugment') return { scale, randAugment: { list: 'torchvision', operations, magnitude } };
  return { crop: 'squeeze', flip: 0, randAugment: { list: 'dassl', operations, magnitude } };
}

/** The schema of training settings with a method's own defaults. */
export function trainingPreset(defaults: Partial<TrainingSettings>): z.ZodType<TrainingSettings, TrainingInput> {
  const fields = Object.entries(training).map(([name, field]) => {
    const value = defaults[name as keyof TrainingSettings];
    return [name, value === undefined ? field : withDefault<z.ZodType>(field, value)];
  });
  return z.strictObject(Object.fromEntries(fields) as typeof training);
}
