/** Schemas of a run's files, checked when they are read (see records.ts); unknown entries pass through. */
import { FormatError } from '@mudpt/tensor';
import * as z from 'zod';
import { marksSchema } from '../settings/identity.ts';
import { variationSchema } from './variation.ts';

const count = z.int().nonnegative().max(1e12);
const number = z.number();
const percent = z.number().min(0).max(100);
const share = z.number().min(0).max(1);
const text = z.string().max(100_000);

const calibration = z.looseObject({
  ece: percent,
  adaptiveEce: percent,
  bins: z.array(z.looseObject({ count, confidence: percent, accuracy: percent })),
});

const metrics = z.looseObject({
  count,
  correct: count,
  accuracy: percent,
  error: percent,
  macroF1: percent,
  balancedAccuracy: percent.optional(),
  perClass: z.array(z.looseObject({ label: count, count, correct: count, accuracy: percent, f1: percent })),
  calibration: calibration.optional(),
  /** Only in files of version 0.1. */
  confusion: z.array(z.array(count)).optional(),
});

const evaluation = z.looseObject({
  what: z.enum(['zero-shot', 'tuned']),
  data: text,
  split: z.enum(['train', 'val', 'test']),
  classes: z.enum(['all', 'base', 'new']),
  variation: variationSchema.optional(),
  metrics,
  time: text,
});

const detection = z.looseObject({ auroc: percent, fpr95: percent, threshold: number });

const unknown = z.looseObject({
  ...{ what: evaluation.shape.what, data: text, split: evaluation.shape.split, classes: evaluation.shape.classes, time: text },
  unknown: text,
  known: count,
  count,
  softmax: detection,
  logit: detection,
  scaled: detection.optional(),
  temperature: number.positive().optional(),
});

const divergence = z.looseObject({ epoch: count, step: count, loss: text, lr: number, askedLr: number, what: text });

export const SUMMARY_FORMAT = 2;

export const summarySchema = z.looseObject({
  format: z.literal(SUMMARY_FORMAT),
  marks: marksSchema,
  state: z.enum(['running', 'stopped', 'finished', 'diverged']),
  data: z.looseObject({
    name: text,
    origin: z.looseObject({ path: text, division: text }).optional(),
    template: text,
    classes: z.array(z.looseObject({ name: text, prompt: text, train: count, val: count, test: count })),
    warnings: z.array(text),
    unreadable: z.array(z.looseObject({ id: text, why: text })),
  }),
  model: z.looseObject({ name: text, hash: text, imageSize: count, config: z.unknown() }),
  method: z.looseObject({
    name: text,
    title: text,
    summary: text,
    parameters: count,
    layout: z.unknown().optional(),
    fit: z.unknown().optional(),
  }),
  adapter: text,
  lengths: z.looseObject({ metrics: count, predictions: count }).optional(),
  validation: percent.optional(),
  alternatives: z
    .array(z.looseObject({ method: text, title: text, validation: percent, test: percent, count, isClearlyBetter: z.boolean() }))
    .optional(),
  evaluations: z.array(evaluation),
  unknown: z.array(unknown).optional(),
  training: z.looseObject({
    epochs: count,
    stepsPerEpoch: count,
    epochsDone: count,
    seconds: number.nonnegative(),
    peakBytes: count,
    stoppedEarlyAt: count.optional(),
    best: z.looseObject({ accuracy: percent, epoch: count }).optional(),
    divergence: divergence.optional(),
  }),
});

export const CONFUSION_FORMAT = 1;

export const confusionSchema = z.looseObject({
  format: z.literal(CONFUSION_FORMAT),
  what: text,
  data: text,
  split: text,
  classes: text,
  /** One list for each true class: a predicted class, its number of images, the next class, ... */
  rows: z.array(z.array(count)),
});

const terms = z.record(z.string(), number);

export const metricsSchema = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('step'),
    epoch: count,
    step: count,
    loss: number,
    accuracy: percent,
    lr: number.nonnegative(),
    terms: terms.optional(),
    imagesPerSecond: number,
    bytes: number,
  }),
  z.looseObject({
    kind: z.literal('epoch'),
    epoch: count,
    loss: number,
    accuracy: percent,
    lr: number.nonnegative(),
    seconds: number,
    valAccuracy: percent.optional(),
    newAccuracy: percent.optional(),
  }),
]);

const ranked = z.array(z.tuple([count, share]));

export const predictionSchema = z.looseObject({
  id: text,
  path: text.optional(),
  label: count,
  zeroShot: ranked,
  tuned: ranked,
  loss: number,
});

export const EMBEDDING_FORMAT = 1;

const plane = z.array(z.tuple([number, number]));

export const embeddingSchema = z.looseObject({
  format: z.literal(EMBEDDING_FORMAT),
  images: z.array(z.looseObject({ id: text, label: count })),
  zeroShot: plane,
  tuned: plane.optional(),
});

/** @throws FormatError naming the file at `path` and the entry that is not as it should be */
export function checkRecord<T>(type: z.ZodType<T>, value: unknown, path: string): T {
  const { success, data, error } = type.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  throw new FormatError(
    'run',
    `${path}: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}`,
    'put the file back as the run wrote it, or begin a new run',
  );
}
