import { readFileSync } from 'node:fs';
import { fixtureUrl } from '@mudpt/testing/fixtures';
import { expect, it } from 'vitest';
import { trainingPreset } from '../methods/index.ts';
import { scheduleOf } from './schedule.ts';

interface Golden {
  readonly base_lr: number;
  readonly epochs: number;
  readonly lr_per_epoch: readonly number[]; // absent where the rate changes at every step
  readonly lr_per_step: readonly number[];
}

const golden: { schedules: Record<string, Golden> } = JSON.parse(readFileSync(fixtureUrl('schedule.json'), 'utf8'));

const perEpoch = Object.entries(golden.schedules).filter(([, { lr_per_epoch }]) => lr_per_epoch);

it.each(perEpoch)('is the authors scheduler: %s', (_, { base_lr, epochs, lr_per_epoch, lr_per_step }) => {
  const schedule = scheduleOf(trainingPreset({}).parse({ lr: base_lr, epochs }));
  expect(lr_per_epoch).toHaveLength(epochs);
  for (const [epoch, lr] of lr_per_epoch.entries()) {
    const closed = epoch === 0 ? 1e-5 : 0.5 * base_lr * (1 + Math.cos((Math.PI * (epoch - 1)) / epochs));
    for (let step = 0; step < 3; step++) {
      const rate = schedule({ epoch, step, steps: 3 });
      expect(rate).toBe(closed);
      // torch computes the same by recursion, so the last bits differ.
      expect(Math.abs(rate - lr)).toBeLessThan(1e-12);
      expect(Math.abs(rate - (lr_per_step[epoch * 3 + step] ?? 0))).toBeLessThan(1e-12);
    }
  }
});

it('can do without warm-up, stay constant, and fall at every step', () => {
  const of = (input: object) => scheduleOf(trainingPreset({}).parse({ lr: 1, epochs: 4, warmupEpochs: 0, ...input }));
  expect(of({})({ epoch: 2, step: 1, steps: 2 })).toBeCloseTo(0.5, 12);
  expect(of({ schedule: 'cosine-per-step' })({ epoch: 1, step: 1, steps: 1 })).toBeCloseTo(
    of({})({ epoch: 2, step: 0, steps: 1 }),
    12,
  );
  expect(of({ finalLr: 0.5 })({ epoch: 1, step: 0, steps: 2 })).toBeCloseTo(0.75 + 0.25 * Math.SQRT1_2, 12);
  for (const schedule of ['cosine', 'cosine-per-step'])
    expect(of({ schedule, iterations: 8, finalLr: 0.5 })({ epoch: 2, step: 0, steps: 3 })).toBeCloseTo(
      0.75 + 0.25 * Math.cos(0.75 * Math.PI),
      12,
    );
  // The warm-up counts epochs, the iterations after it.
  expect(of({ iterations: 8, warmupEpochs: 1 })({ epoch: 1, step: 1, steps: 3 })).toBeCloseTo(
    0.5 + 0.5 * Math.cos(Math.PI / 8),
    12,
  );
  expect(of({ schedule: 'constant' })({ epoch: 3, step: 0, steps: 2 })).toBe(1);
});
