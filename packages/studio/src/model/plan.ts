/** What a training will do, and the mark that tells one from another. */
import { methodNamed } from 'mudpt/core';
import type { ModelFacts, TrainingPlan, TrainingRequest, WireDataset } from '../worker/protocol.ts';
import { resolveSettings } from './settings.ts';

/** Every setting with its value. */
export async function planOf(dataset: WireDataset, request: TrainingRequest, model: ModelFacts): Promise<TrainingPlan> {
  const { settings, training = {}, notes, lowered } = resolveSettings(request, model);
  const { title, training: schema } = methodNamed(request.method);
  const complete = { ...request, settings, training: { ...training } };
  const { classNames, template } = dataset;
  const images = dataset.train.map(({ id, label }) => [id, label]);
  const mark = await hashOf([complete, classNames, template, images, model.hash]);
  return { ...complete, title, isFitted: !schema, notes, lowered, mark };
}

async function hashOf(value: unknown): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(value)));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
