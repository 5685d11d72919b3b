import { randomClip } from '@mudpt/clip';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it } from 'vitest';
import { CONFORMANCE_CONFIG } from '../conformance/subject.ts';
import { imageFeatures, meanPixelAccuracy, type Probe, recallAt, zeroShotAccuracy } from './evaluate.ts';

const row = (...values: number[]): Float32Array => Float32Array.from(values);

it('zero-shot accuracy counts the images whose class text is the nearest', () => {
  const classes = [row(1, 0), row(0, 1)];
  const images = [row(0.9, 0.1), row(0.2, 0.8), row(0.4, 0.6), row(1, 0)];
  expect(zeroShotAccuracy(images, [0, 1, 0, 0], classes)).toBe(75);
});

it('recall counts different captions only', () => {
  // The own caption of the first image comes third, after two equal ones that count once.
  const images = [row(1, 0), row(0, 1), row(0, 1)];
  const texts = [row(0.1, 0), row(0.5, 0.9), row(0.5, 0.9)];
  expect(recallAt(1, images, texts)).toBeCloseTo(200 / 3);
  expect(recallAt(2, images, texts)).toBe(100);
});

it('the baseline of mean pixels takes the nearest class mean', () => {
  const probe = (label: number, ...pixels: number[]): Probe => ({
    pixels: Uint8Array.from(pixels),
    label,
    style: '',
    icon: '',
    caption: '',
  });
  const train = [probe(0, 0, 0), probe(0, 20, 20), probe(1, 200, 200)];
  expect(meanPixelAccuracy(train, [probe(0, 30, 30), probe(1, 190, 190), probe(0, 150, 150)])).toBeCloseTo(200 / 3);
});

eachDevice('features of images', (ctx) => {
  it('need an image tower', async () => {
    using clip = randomClip(CONFORMANCE_CONFIG, undefined, { device: ctx.device, towers: ['text'] });
    await expect(imageFeatures(clip, [], ctx.device)).rejects.toThrow(
      /loaded without its image tower. Load it with towers: \['image'\]/,
    );
  });
});
