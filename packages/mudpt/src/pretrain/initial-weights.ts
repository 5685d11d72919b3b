/** How training begins: random weights, but positions and patches as functions that a small set of images need not find first. */
import { nth } from '@mudpt/tensor/internal';
import type { Random } from '@mudpt/autograd';
import { type ClipConfig, type HostTensor, randomWeights } from '@mudpt/clip';

/** Weights by OpenAI's names. All of them are learnt from there on. */
export function initialWeights(config: ClipConfig, random: Random): Record<string, HostTensor> {
  const weights = randomWeights(config, random);
  const [positions, conv] = ['visual.positional_embedding', 'visual.conv1.weight'] as const;
  const changed = (name: string, change: (config: ClipConfig, data: Float32Array) => Float32Array): HostTensor => {
    const { shape, data } = weights[name] as HostTensor;
    return { shape, dtype: 'f32', data: change(config, Float32Array.from(data)) };
  };
  return { ...weights, [positions]: changed(positions, sinePositions), [conv]: changed(conv, cosineFilters) };
}

/**
 * Positions of patches as sines and cosines of their row and column (as in "An Empirical Study of Training Self-Supervised Vision
 * Transformers", 2021): a small set of images does not teach a random table which patches are neighbours.
 */
function sinePositions({ image: { width, size, patch } }: ClipConfig, data: Float32Array): Float32Array {
  const side = size / patch;
  const quarter = Math.floor(width / 4);
  for (let place = 0; place < side * side; place++) {
    const coordinates = [place % side, Math.floor(place / side)];
    for (let channel = 0; channel < 4 * quarter; channel++) {
      const axis = nth(coordinates, Math.floor(channel / (2 * quarter)));
      const angle = axis / 100 ** ((channel % quarter) / quarter);
      const isSine = Math.floor(channel / quarter) % 2 === 0;
      data[(1 + place) * width + channel] = 0.5 * (isSine ? Math.sin(angle) : Math.cos(angle));
    }
  }
  return data;
}

/** Brightness, and two differences of colour: unit vectors over red, green, blue. */
const COLOURS = [
  [3 ** -0.5, 3 ** -0.5, 3 ** -0.5],
  [2 ** -0.5, 0, -(2 ** -0.5)],
  [6 ** -0.5, -2 * 6 ** -0.5, 6 ** -0.5],
] as const;

/** How much later waves of colour come than those of brightness. */
const COLOUR_LATENESS = 4;

/** Standard deviations, in normalised values, of a patch's mean and of its wave of frequency 1, as drawings have them at 16 pixels. */
const MEAN_DEVIATION = 22;
const WAVE_DEVIATION = 7.7;

/** Waves above this frequency are not made louder still. */
const LOUDEST = 8;

/**
 * Filters of patches as cosine waves, the lowest frequencies first, each as loud as it is rare in drawings, so that channels begin with about
 * unit variance. Random filters hear little but a patch's mean, which is the colour of the ground: with grounds of all colours training
 * stood still at the loss of chance for hundreds of updates.
 */
function cosineFilters({ image: { width, patch } }: ClipConfig, data: Float32Array): Float32Array {
  const waves = COLOURS.flatMap((colour, index) =>
    Array.from({ length: patch * patch }, (_, at) => {
      const [u, v] = [at % patch, Math.floor(at / patch)];
      const frequency = Math.hypot(u, v);
      return { colour, u, v, frequency, order: frequency * (index === 0 ? 1 : COLOUR_LATENESS) };
    }),
  ).sort((one, other) => one.order - other.order);
  const area = patch * patch;
  const norm = (k: number): number => Math.sqrt((k === 0 ? 1 : 2) / patch);
  for (const [channel, { colour, u, v, frequency }] of waves.slice(0, width).entries()) {
    const deviation = ((frequency === 0 ? MEAN_DEVIATION : WAVE_DEVIATION / Math.min(LOUDEST, frequency)) * patch) / 16;
    for (let pixel = 0; pixel < area; pixel++) {
      const [x, y] = [pixel % patch, Math.floor(pixel / patch)];
      const wave = norm(u) * norm(v) * Math.cos((Math.PI * u * (x + 0.5)) / patch) * Math.cos((Math.PI * v * (y + 0.5)) / patch);
      for (const [index, part] of colour.entries()) data[(channel * 3 + index) * area + pixel] = (wave * part) / deviation;
    }
  }
  return data;
}
