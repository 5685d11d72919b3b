/** Settings of Tip-Adapter, and those of training its keys. */
import { z } from 'zod';
import { idleWhere, settingMetadata } from '../settings/metadata.ts';

const withoutSearch = ({ search }: Readonly<Record<string, unknown>>): string | undefined =>
  idleWhere(search === false, 'search is off');

const shared = {
  beta: z.number().positive().default(1).describe('sharpness of the cache before the search'),
  alpha: z.number().min(0).default(1.17).describe('weight of the cache before the search'),
  search: z.boolean().default(true).describe('search both on validation'),
  betaLimit: z
    .number()
    .positive()
    .default(7)
    .describe('upper end of the search for beta')
    .register(settingMetadata, { idle: withoutSearch }),
  alphaLimit: z
    .number()
    .positive()
    .default(3)
    .describe('upper end of the search for alpha')
    .register(settingMetadata, { idle: withoutSearch }),
  betaSteps: z.int().positive().default(200).describe('values of beta tried').register(settingMetadata, { idle: withoutSearch }),
  alphaSteps: z.int().positive().default(20).describe('values of alpha tried').register(settingMetadata, { idle: withoutSearch }),
  cachePasses: z.int().min(0).default(10).describe('augmented passes whose mean features are the keys; 0: the test transform'),
  templates: z
    .array(z.string())
    .default([])
    .describe("texts with {} for the class name, averaged; empty: the data set's own")
    .register(settingMetadata, { yieldsToDescriptions: true }),
  scale: z.number().positive().default(100).describe('factor of the cosines'),
};

const learning = {
  epochs: z.int().min(0).default(20).describe('passes over the training features'),
  lr: z.number().positive().default(1e-3).describe('learning rate at the start of its half cosine'),
  batchSize: z.int().positive().default(256).describe('features per step'),
  adamEps: z.number().positive().default(1e-4).describe('added to the root of the second moment'),
  weightDecay: z.number().min(0).default(0.01).describe('of AdamW'),
};

export const tipSettings = z.strictObject(shared);
export const tipFSettings = z.strictObject({ ...shared, ...learning });

export type TipSettings = z.output<typeof tipSettings>;
export type TipFSettings = z.output<typeof tipFSettings>;
