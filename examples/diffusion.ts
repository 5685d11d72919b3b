/**
 * A diffusion model learns two moons: a network predicts the noise in noisy points, and sampling takes it away step by step, from pure noise.
 * (Ho et al., Denoising Diffusion Probabilistic Models, arXiv:2006.11239.) Noise is drawn on the device: its key is an input of the step.
 */
import { AdamW, cosine, inSteps, Linear, lossAndGradients, randomFrom, Sequential } from '@mudpt/autograd';
import {
  capture,
  cat,
  cos,
  type Device,
  indexSelect,
  mseLoss,
  randint,
  randn,
  scope,
  silu,
  sin,
  type Tensor,
  tensor,
} from '@mudpt/tensor';

const LEVELS = 40;
const BATCH = 256;
const SAMPLES = 500;

/** Share of the signal that is left at each level: from nearly all to nearly nothing. */
const signal = Array.from({ length: LEVELS }, (_, t) => Math.cos((0.5 * Math.PI * (t + 1)) / (LEVELS + 1)) ** 2);

/** Points on two half circles, upper and lower, of about unit size. */
function moons(random: () => number, count: number): number[][] {
  return Array.from({ length: count }, (_, i) => {
    const angle = Math.PI * random();
    return i % 2 ? [Math.cos(angle) - 0.5, Math.sin(angle) - 0.25] : [0.5 - Math.cos(angle), 0.25 - Math.sin(angle)];
  });
}
const distance = ([x = 0, y = 0]: readonly number[], upper: boolean) => {
  const [dx, dy] = upper ? [x + 0.5, y + 0.25] : [x - 0.5, y - 0.25];
  // Beyond its ends a half circle is as near as its end.
  return (upper ? dy : -dy) >= 0 ? Math.abs(Math.hypot(dx, dy) - 1) : Math.hypot(Math.abs(dx) - 1, dy);
};

export default async function main(device: Device, { steps = 1500 } = {}) {
  const random = randomFrom(4);
  using data = tensor(moons(random, 2048), { device });
  using kept = tensor(signal, { device });
  // The network sees sines and cosines of a level, and of points, which let it learn what is finer than they are far apart.
  const phases = signal.map((_, t) => [1, 2, 4, 8].flatMap((k) => [Math.sin((k * t) / LEVELS), Math.cos((k * t) / LEVELS)]));
  using times = tensor(phases, { device });
  using network = new Sequential(
    new Linear(14, 128, { device, random }),
    silu,
    new Linear(128, 128, { device, random }),
    silu,
    new Linear(128, 128, { device, random }),
    silu,
    new Linear(128, 2, { device, random }),
  );
  const noiseIn = (x: Tensor, level: Tensor) =>
    network.forward(cat([x, sin(x.mul(4)), cos(x.mul(4)), indexSelect(times, 0, level)], 1));
  using optimizer = new AdamW(network.parameters(), { weightDecay: 0 });

  using learn = capture({ key: 'u32', lr: 'f32' }, ({ key, lr }) => {
    const level = randint([BATCH], 0, LEVELS, { key, stream: 1 });
    const clean = indexSelect(data, 0, randint([BATCH], 0, 2048, { key, stream: 2 }));
    const noise = randn([BATCH, 2], { key, stream: 3 });
    const share = indexSelect(kept, 0, level).unsqueeze(1);
    const noisy = clean.mul(share.sqrt()).add(noise.mul(share.neg().add(1).sqrt()));
    const { value, gradients } = lossAndGradients(() => mseLoss(noiseIn(noisy, level), noise));
    optimizer.step(gradients, { lr });
    return value;
  });
  const rate = inSteps(cosine(6e-3, steps));
  let loss = 1;
  for (let i = 1; i <= steps; i += 1) {
    const value = learn({ key: { data: Uint32Array.of(i, 0), shape: [2] }, lr: rate({ epoch: 0, step: i - 1, steps }) });
    if (i % 500 === 0 || i === steps) console.log(`step ${i}: loss ${((loss = await value.item())).toFixed(3)}`);
  }

  // One step back: from level t, of which `a` of the signal is left, to the one before it, where `b` is.
  using back = capture({ x: 'f32', level: 'i32', a: 'f32', b: 'f32', key: 'u32' }, ({ x, level, a, b, key }) => {
    const noise = noiseIn(x, level.expand([SAMPLES]));
    const clean = x
      .sub(noise.mul(a.neg().add(1).sqrt()))
      .div(a.sqrt())
      .clamp(-2, 2);
    const step = a.div(b);
    const variance = step.neg().add(1).mul(b.neg().add(1)).div(a.neg().add(1));
    const towards = clean.mul(b.sqrt().mul(step.neg().add(1)).div(a.neg().add(1)));
    const stay = x.mul(step.sqrt().mul(b.neg().add(1)).div(a.neg().add(1)));
    return towards.add(stay).add(randn([SAMPLES, 2], { key }).mul(variance.sqrt()));
  });
  using start = scope(() => randn([SAMPLES, 2], { key: 9, device }));
  let x = start;
  for (let t = LEVELS - 1; t >= 0; t -= 1) {
    const key = { data: Uint32Array.of(t, 1), shape: [2] };
    x = back({ x, level: { data: [t], shape: [1] }, a: signal[t] ?? 1, b: signal[t - 1] ?? 1, key });
  }
  const made = (await x.array()) as number[][];
  const near = (upper: boolean) => made.filter((point) => distance(point, upper) < 0.15).length / SAMPLES;
  const [upper, lower] = [near(true), near(false)];
  console.log(`${(100 * upper).toFixed(0)} % of the samples are on the upper moon, ${(100 * lower).toFixed(0)} % on the lower`);
  return { loss, upper, lower };
}
