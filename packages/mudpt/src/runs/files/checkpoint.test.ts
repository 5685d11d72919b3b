import { join } from 'node:path';
import { FormatError, writeSafetensors } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { temporaryFolder } from '@mudpt/testing/files';
import { NO_CURVE } from '../../train/state.ts';
import { readPosition } from './checkpoint.ts';

const digest = 'a'.repeat(64);
/** The key of rematerialization in earlier checkpoints. */
const OLDER = 'economy';
const GOOD = {
  format: 2,
  marks: { config: digest, data: digest, images: digest, model: digest },
  epoch: 1,
  step: 2,
  seconds: 3.5,
  metricsBytes: 400,
  curve: { ...NO_CURVE, read: 1, batches: 1, images: 4 },
  rematerialization: { text: { recompute: true, microBatches: 2 }, image: { recompute: 'selective', microBatches: 0 } },
};

it('positions beyond the run or all reason are refused, in words', async () => {
  await using at = await temporaryFolder();
  const path = join(at.path, 'last.safetensors');
  const read = async (position: unknown) => {
    const text = typeof position === 'string' ? position : JSON.stringify(position);
    await writeSafetensors(path, {}, { checksum: true, metadata: { position: text } });
    return readPosition(path, { epochs: 3, updates: 5 });
  };
  expect(await read(GOOD)).toEqual(GOOD);
  expect(await read({ ...GOOD, epoch: 3, step: 0 })).toMatchObject({ epoch: 3 });
  const { rematerialization: _, ...older } = GOOD;
  const inOlderWords = { text: { recompute: true, parts: 2 }, image: { recompute: false, parts: 0 } };
  const { text } = GOOD.rematerialization;
  const meant = { ...GOOD, rematerialization: { text, image: { recompute: false, microBatches: 0 } } };
  expect(await read({ ...older, [OLDER]: inOlderWords })).toEqual(meant);
  const tower = { recompute: true, microBatches: 1e9 };
  const bad: [unknown, RegExp][] = [
    [{ ...GOOD, epoch: 4, step: 0 }, /stands at step 0 of epoch 4, and the run has 3 epochs of 5 steps/],
    [{ ...GOOD, epoch: 3, step: 1 }, /stands at step 1 of epoch 3/],
    [{ ...GOOD, step: 5 }, /stands at step 5 of epoch 1/],
    [{ ...GOOD, epoch: 1e12 }, /\(epoch: /],
    [{ ...GOOD, step: -1 }, /\(step: /],
    [{ ...GOOD, step: 0.5 }, /\(step: /],
    [{ ...GOOD, metricsBytes: 1e15 }, /\(metricsBytes: /],
    [{ ...GOOD, seconds: -1 }, /\(seconds: /],
    [{ ...GOOD, rematerialization: { text: tower, image: tower } }, /\(rematerialization\.text\.microBatches: /],
    [{ ...older, [OLDER]: { ...inOlderWords, text: { recompute: true, parts: 1e9 } } }, /\(economy\.text\.parts: /],
    [{ ...GOOD, marks: { ...GOOD.marks, data: 'short' } }, /\(marks\.data: is no SHA-256/],
    [{ ...GOOD, curve: { ...GOOD.curve, read: -3 } }, /\(curve\.read: /],
    [{ ...GOOD, more: 1 }, /is no checkpoint of this program/],
    [{ ...GOOD, format: 1 }, /is a checkpoint of format 1, and this version reads 2/],
    [null, /is no checkpoint/],
    ['{', /is no checkpoint/],
  ];
  for (const [position, message] of bad) {
    const refused = read(position);
    await expect(refused, JSON.stringify(position)).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(FormatError);
  }
  await writeSafetensors(path, {}, { metadata: { position: JSON.stringify(GOOD) } });
  await expect(readPosition(path)).rejects.toThrow(/has no SHA-256 of itself/);
});
