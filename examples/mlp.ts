/**
 * A multi-layer perceptron tells three spirals apart. One captured step: forward, backward and update are recorded once and replayed.
 */
import { AdamW, Linear, lossAndGradients, randomFrom, Sequential } from '@mudpt/autograd';
import { capture, countCorrect, crossEntropy, type Device, relu, type Tensor } from '@mudpt/tensor';

const CLASSES = 3;
const POINTS = 300;

/** Points [n, 2] on three arms, with noise, and the arm of each. */
function spirals(random: () => number) {
  const points = new Float32Array(2 * POINTS);
  const arms = new Int32Array(POINTS);
  for (let i = 0; i < POINTS; i += 1) {
    const [arm, radius] = [i % CLASSES, random()];
    const angle = (2 * Math.PI * arm) / CLASSES + 4 * radius + 0.2 * (random() - 0.5);
    points.set([radius * Math.cos(angle), radius * Math.sin(angle)], 2 * i);
    arms[i] = arm;
  }
  return { x: { data: points, shape: [POINTS, 2] }, y: { data: arms, shape: [POINTS], dtype: 'i32' as const } };
}

export default async function main(device: Device, { steps = 300 } = {}) {
  const random = randomFrom(1);
  const { x, y } = spirals(random);
  using model = new Sequential(
    new Linear(2, 64, { device, random }),
    relu,
    new Linear(64, 64, { device, random }),
    relu,
    new Linear(64, CLASSES, { device, random }),
  );
  using optimizer = new AdamW(model.parameters(), { lr: 0.01 });

  using step = capture(({ x, y }: { x: Tensor; y: Tensor }) => {
    const { value, gradients } = lossAndGradients(() => crossEntropy(model.forward(x), y));
    optimizer.step(gradients);
    return value;
  });
  // The host only waits for the device where it reads a loss.
  let loss = 0;
  for (let i = 1; i <= steps; i += 1) {
    const value = step({ x, y });
    if (i % 100 === 0 || i === steps) console.log(`step ${i}: loss ${((loss = await value.item())).toFixed(4)}`);
  }

  using predict = capture(({ x, y }: { x: Tensor; y: Tensor }) => countCorrect(model.forward(x), y));
  const accuracy = (await predict({ x, y }).item()) / POINTS;
  console.log(`${(100 * accuracy).toFixed(1)} % of the points are on the right spiral`);
  return { loss, accuracy };
}
