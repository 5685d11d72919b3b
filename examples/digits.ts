/**
 * A convnet reads digits that the program draws: a 5 x 7 font, moved, stretched, slanted and noisy. `fit` is the loop: batches, a schedule, validation.
 */
import {
  AdamW,
  Conv2d,
  DataLoader,
  fit,
  Flatten,
  inSteps,
  Linear,
  MaxPool2d,
  oneCycle,
  randomFrom,
  Sequential,
} from '@mudpt/autograd';
import { argmax, crossEntropy, type Device, eq, mean, relu } from '@mudpt/tensor';

const SIDE = 16;
/** Rows of each digit, from the top, five bits each. */
const FONT = [
  [14, 17, 19, 21, 25, 17, 14],
  [4, 12, 4, 4, 4, 4, 14],
  [14, 17, 1, 2, 4, 8, 31],
  [31, 2, 4, 2, 1, 17, 14],
  [2, 6, 10, 18, 31, 2, 2],
  [31, 16, 30, 1, 1, 17, 14],
  [6, 8, 16, 30, 17, 17, 14],
  [31, 1, 2, 4, 8, 8, 8],
  [14, 17, 17, 14, 17, 17, 14],
  [14, 17, 17, 15, 1, 2, 12],
] as const;

/** An image [1, 16, 16] of `digit`: each pixel looks up where it comes from in the font. */
function draw(digit: number, random: () => number) {
  const between = (low: number, high: number) => low + (high - low) * random();
  const [dx, dy, sx, sy, slant] = [between(-1.5, 1.5), between(-1, 1), between(1.6, 2.2), between(1.6, 2.1), between(-0.3, 0.3)];
  const data = Float32Array.from({ length: SIDE * SIDE }, (_, at) => {
    const y = (Math.floor(at / SIDE) - SIDE / 2 - dy) / sy;
    const x = ((at % SIDE) - SIDE / 2 - dx) / sx - slant * y;
    const [row, column] = [Math.floor(y + 3.5), Math.floor(x + 2.5)];
    const ink = column < 0 || column > 4 ? 0 : ((FONT[digit]?.[row] ?? 0) >> (4 - column)) & 1;
    return ink + between(-0.4, 0.4);
  });
  return { image: { data, shape: [1, SIDE, SIDE] }, label: digit };
}

export default async function main(device: Device, { steps = 80 } = {}) {
  const random = randomFrom(2);
  const batchSize = 50;
  const items = Array.from({ length: 1000 }, (_, i) => draw(i % 10, random));
  const others = Array.from({ length: 200 }, (_, i) => draw(i % 10, random));
  using model = new Sequential(
    new Conv2d(1, 8, 3, { padding: 1, device, random }),
    relu,
    new MaxPool2d(2),
    new Conv2d(8, 16, 3, { padding: 1, device, random }),
    relu,
    new MaxPool2d(2),
    new Flatten(),
    new Linear(16 * 4 * 4, 10, { device, random }),
  );
  using optimizer = new AdamW(model.parameters());
  const epochs = Math.ceil((steps * batchSize) / items.length);
  const { history } = await fit({
    module: model,
    loss: ({ image, label }) => {
      const logits = model.forward(image);
      return { loss: crossEntropy(logits, label), accuracy: mean(eq(argmax(logits, 1), label).cast('f32')) };
    },
    optimizer,
    data: new DataLoader(items, { batchSize, shuffle: true, seed: 1, dtypes: { label: 'i32' } }),
    validation: { data: new DataLoader(others, { batchSize, dtypes: { label: 'i32' } }) },
    epochs,
    schedule: inSteps(oneCycle(0.02, epochs * Math.ceil(items.length / batchSize))),
    onEpoch: ({ epoch, train, validation }) =>
      console.log(
        `epoch ${epoch + 1}: loss ${train.loss.toFixed(3)}, ${(100 * (validation?.['accuracy'] ?? 0)).toFixed(1)} % of new digits right`,
      ),
  });
  return { losses: history.map(({ train }) => train.loss), accuracy: history.at(-1)?.validation?.['accuracy'] ?? 0 };
}
