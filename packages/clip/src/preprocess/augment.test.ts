import { describe, expect, it } from 'vitest';
import boxes from '@mudpt/testing/fixtures/preprocess/boxes.json' with { type: 'json' };
import { augment, randomResizedCropBox } from './augment.ts';
import { emptyImage, flipHorizontally } from './image.ts';
import { type Draw, drawsFor } from './random.ts';

function replay(words: readonly number[]): Draw {
  let next = 0;
  return () => words[next++] ?? expect.fail('more draws than torchvision made');
}

const pair = ([first = 0, second = 0]: readonly number[]): [number, number] => [first, second];

describe('randomResizedCropBox', () => {
  it('finds the boxes torchvision finds from the same random words', () => {
    expect(boxes).toHaveLength(100);
    for (const { width, height, scale, ratio, draws, box } of boxes) {
      const found = randomResizedCropBox(width, height, replay(draws), { scale: pair(scale), ratio: pair(ratio) });
      expect(found, `${width} x ${height}`).toEqual(box);
    }
  });

  it('falls back to the largest centred box of an allowed shape', () => {
    const draw = drawsFor({ seed: 1, epoch: 0, index: 0 });
    // No area above 1.5 fits.
    const options = { scale: [1.5, 2], ratio: [3 / 4, 4 / 3] } as const;
    expect(randomResizedCropBox(1000, 20, draw, options)).toEqual({ left: 486, top: 0, width: 27, height: 20 });
    expect(randomResizedCropBox(20, 1000, draw, options)).toEqual({ left: 0, top: 486, width: 20, height: 27 });
    expect(randomResizedCropBox(100, 90, draw, options)).toEqual({ left: 0, top: 0, width: 100, height: 90 });
  });
});

describe('augment', () => {
  const image = emptyImage(50, 40);
  image.data.forEach((_, i) => {
    image.data[i] = (i * 7) % 256;
  });
  const at = (index: number) => drawsFor({ seed: 5, epoch: 0, index });

  it('flips always, never, or half of the time', () => {
    const never = augment(image, 16, at(0), { flip: 0 });
    expect(augment(image, 16, at(0), { flip: 1 })).toEqual(flipHorizontally(never));
    let flips = 0;
    for (let index = 0; index < 400; index++) {
      const isFlipped = augment(image, 4, at(index)).data.join() !== augment(image, 4, at(index), { flip: 0 }).data.join();
      if (isFlipped) flips++;
    }
    // 200; five standard deviations are 50.
    expect(Math.abs(flips - 200)).toBeLessThan(50);
  });

  it('is the same for the same draws, and square', () => {
    expect(augment(image, 16, at(3))).toEqual(augment(image, 16, at(3)));
    expect(augment(image, 16, at(3)).data).toHaveLength(16 * 16 * 3);
    expect(augment(image, 16, at(3))).not.toEqual(augment(image, 16, at(4)));
  });
});
