/** Data sets as mudpt wants them, from what the page sends. */
import { type Dataset, fewShot, type Item } from 'mudpt/core';
import type { TrainingRequest, WireDataset } from '../worker/protocol.ts';

/** @throws InputError when a class has no training image */
export function datasetOf(
  { classNames, template, train, test }: WireDataset,
  { shots, seed }: Pick<TrainingRequest, 'shots' | 'seed'>,
): Dataset {
  const items = (all: WireDataset['train']): Item[] => all.map(({ id, label, image }) => ({ id, label, image }));
  const whole: Dataset = {
    name: 'studio',
    classNames,
    template,
    splits: { train: items(train), val: [], test: items(test) },
    warnings: [],
  };
  return shots === 'all' ? whole : fewShot(whole, shots, seed);
}
