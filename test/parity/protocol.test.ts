import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProtocolFile } from './protocol.ts';
import { hasPassed } from './report.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'protocol-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function run(content: unknown) {
  const path = join(folder, 'golden.json');
  await writeFile(path, JSON.stringify(content));
  return await runProtocolFile(path);
}

// Dassl's scheduler, E = 5 and base 0.0025, two steps an epoch; PromptSRC's get_gauss; CPython's random.
const rates = [1e-5, 0.0025, 0.0022612712429686843, 0.0016362712429686841, 0.0008637287570313157];
const steps = rates.flatMap((rate) => [rate, rate]);
const schedules = { a: { base_lr: 0.0025, epochs: 5, steps_per_epoch: 2, lr_per_epoch: rates, lr_per_step: steps } };
const byStep = { b: { base_lr: 1, total_steps: 4, lr_per_step: [1, 0.5 + Math.SQRT1_2 / 2, 0.5, 0.5 - Math.SQRT1_2 / 2] } };
const selection = { seed: 1, shots: 1, train_counts: [17], val_counts: [0], train: [[4]], val: [[]] };

describe('goldens of the protocol', () => {
  it('schedules by epoch and by step pass, and a rate that is off fails', async () => {
    expect(hasPassed(await run({ schedules }))).toBe(true);
    expect(hasPassed(await run({ schedules: byStep }))).toBe(true);
    const off = await run({ schedules: { a: { ...schedules.a, lr_per_epoch: rates.map((rate) => rate * 1.0001) } } });
    expect(off.cases[0]?.tensors.map(({ tensor, passed }) => [tensor, passed])).toEqual([
      ['lr_per_epoch', false],
      ['lr_per_step', true],
    ]);
  });

  it('aggregation weights add up to 1 around their mean', async () => {
    const middle = 1 / (1 + 2 * Math.exp(-0.5));
    const side = (1 - middle) / 2;
    expect(hasPassed(await run({ weights: { '3_2_1': [side, middle, side] } }))).toBe(true);
    expect(hasPassed(await run({ weights: { '3_2_1': [middle, side, side] } }))).toBe(false);
  });

  it('selections are told apart', async () => {
    const { cases } = await run({ cases: [selection, { ...selection, train: [[5]] }] });
    expect(cases.map(({ tensors }) => tensors[0]?.passed)).toEqual([true, false]);
  });

  it('another file is refused', async () => {
    await expect(run({ other: {} })).rejects.toThrow(/none of "schedules"/);
  });
});
