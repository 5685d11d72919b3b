/** CLIP's image tower and a training step of MuDPT at full size, with random weights. */
import { CLIP_CONFIGS, type Clip, type ClipConfig, imageTokens, randomClip } from '@mudpt/clip';
import { capture, type Device, tensor } from '@mudpt/tensor';
import { embeddedTraining, methodContext, methodNamed, Stepper } from 'mudpt/core';
import { checked, type Effort, errorOf, type Row, summary, time } from '../../../../bench/harness.ts';
import { values } from '../../../../bench/inputs.ts';
import { OURS } from '../../../../bench/suites/ours.ts';

type Head = Pick<Row, 'suite' | 'name' | 'engine'>;

const NAME = 'ViT-B/16';

/** What is measured: the whole model on graphics cards; where the processor computes, two of its layers, which say as much in seconds. */
interface Size {
  readonly title: string;
  readonly config: ClipConfig;
  readonly batch: number;
  readonly steps: number;
}

function sizeOf(kind: string): Size {
  const config = CLIP_CONFIGS[NAME];
  if (kind === 'gpu') return { title: NAME, config, batch: 4, steps: 6 };
  const few = { ...config, image: { ...config.image, layers: 2 }, text: { ...config.text, layers: 2 } };
  return { title: `${NAME} of 2 layers`, config: few, batch: 1, steps: 3 };
}
const CLASSES = [
  'dog',
  'tabby cat',
  'golden retriever',
  'fire engine',
  'hot air balloon',
  'daisy',
  'sports car',
  'mushroom',
  'red dog',
  'old barn',
];

/** What can be measured, begun one after another. On the way everything is checked: the replayed tower against the eager one, a step against itself done anew. */
export function modelProblems(
  device: Device,
  effort: Effort,
): readonly { readonly row: Head; readonly measure: () => Promise<Row> }[] {
  const size = sizeOf(device.adapter.kind);
  const tower = { suite: 'towers', name: `${size.title} image tower, one image`, engine: OURS };
  const step = { suite: 'training', name: `MuDPT step ${size.title} B${size.batch} C${CLASSES.length}`, engine: OURS };
  return [
    { row: tower, measure: () => withClip(device, size, (clip) => towerRow(device, clip, tower, effort)) },
    { row: step, measure: () => withClip(device, size, (clip) => stepRow(device, clip, step, size)) },
  ];
}

async function withClip(device: Device, { config }: Size, measure: (clip: Clip) => Promise<Row>): Promise<Row> {
  const clip = randomClip(config, undefined, { device });
  try {
    return await measure(clip);
  } finally {
    clip.dispose();
  }
}

async function towerRow(device: Device, clip: Clip, row: Head, effort: Effort): Promise<Row> {
  const { size, width, layers } = clip.config.image;
  const tower = clip.tower('image');
  using images = tensor(values(3 * size * size, 1), { shape: [1, 3, size, size], device });
  using eager = tower.forward(images);
  const expected = await eager.data();
  const replay = capture(() => tower.forward(images), { device });
  try {
    const tokens = imageTokens(clip.config.image);
    const flops = layers * (24 * tokens * width ** 2 + 4 * tokens ** 2 * width);
    const error = errorOf(await replay({}).data(), expected);
    const times = await time(device, () => void replay({}), effort);
    return checked({ ...row, flops, ...summary(times.map(({ wall }) => wall)), error });
  } finally {
    replay.dispose();
  }
}

async function stepRow(device: Device, clip: Clip, row: Head, { batch: count, steps }: Size): Promise<Row> {
  const { training, create } = methodNamed('mudpt');
  if (!training) throw new TypeError('mudpt is trained');
  const { size } = clip.config.image;
  const data = values(count * 3 * size * size, 1);
  const batch = {
    images: data,
    shape: [count, 3, size, size] as const,
    labels: Int32Array.from({ length: count }, (_, i) => i),
    items: [],
  };
  const run = async (): Promise<{ readonly times: number[]; readonly loss: number }> => {
    const context = await methodContext(clip, { classNames: CLASSES, template: 'a photo of a {}.', seed: 1 });
    const method = create(context, {});
    if (method.kind !== 'prompts') throw new TypeError('mudpt learns prompts');
    const stepper = new Stepper(device, method, training.parse({ ...embeddedTraining(methodNamed('mudpt')), batchSize: count }));
    const times: number[] = [];
    try {
      for (let step = 0; step < steps; step += 1) {
        const begin = performance.now();
        stepper.step([batch], 0.0025);
        await device.synchronize();
        times.push(performance.now() - begin);
      }
      return { times, loss: (await stepper.read()).loss };
    } finally {
      stepper.dispose();
      method.dispose();
    }
  };
  const [first, second] = [await run(), await run()];
  return checked({ ...row, ...summary(second.times.slice(1)), error: errorOf([second.loss], [first.loss]) });
}
