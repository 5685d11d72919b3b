/** CLIP's image tower and a training step of MuDPT at full size, with random weights. */
import { CLIP_CONFIGS, imageTokens, randomClip } from '@mudpt/clip';
import { capture, type Device, tensor } from '@mudpt/tensor';
import { embeddedTraining, methodContext, methodNamed, Stepper } from 'mudpt/core';
import { checked, type Effort, errorOf, type Row, summary, time } from '../../../../bench/harness.ts';
import { values } from '../../../../bench/inputs.ts';

const NAME = 'ViT-B/16';
const [BATCH, STEPS] = [4, 6];
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

/** Both rows; on the way everything is checked: the replayed tower against the eager one, a step against itself done anew. */
export async function modelRows(device: Device, effort: Effort, onRow: (row: Row) => void): Promise<void> {
  const clip = randomClip(CLIP_CONFIGS[NAME], undefined, { device });
  try {
    const { size, width, layers } = clip.config.image;
    const tower = clip.tower('image');
    using images = tensor(values(3 * size * size, 1), { shape: [1, 3, size, size], device });
    using eager = tower.forward(images);
    const expected = await eager.data();
    const replay = capture(() => tower.forward(images), { device });
    const tokens = imageTokens(clip.config.image);
    const flops = layers * (24 * tokens * width ** 2 + 4 * tokens ** 2 * width);
    const error = errorOf(await replay({}).data(), expected);
    const times = await time(device, () => void replay({}), effort);
    replay.dispose();
    const row = { suite: 'towers', name: `${NAME} image tower, one image`, engine: 'mudpt', flops };
    onRow(checked({ ...row, ...summary(times.map(({ wall }) => wall)), error }));
    onRow(await stepRow(device, clip));
  } finally {
    clip.dispose();
  }
}

async function stepRow(device: Device, clip: ReturnType<typeof randomClip>): Promise<Row> {
  const { training, create } = methodNamed('mudpt');
  if (!training) throw new TypeError('mudpt is trained');
  const { size } = clip.config.image;
  const data = values(BATCH * 3 * size * size, 1);
  const batch = {
    images: data,
    shape: [BATCH, 3, size, size] as const,
    labels: Int32Array.from({ length: BATCH }, (_, i) => i),
    items: [],
  };
  const run = async (): Promise<{ readonly times: number[]; readonly loss: number }> => {
    const context = await methodContext(clip, { classNames: CLASSES, template: 'a photo of a {}.', seed: 1 });
    const method = create(context, {});
    if (method.kind !== 'prompts') throw new TypeError('mudpt learns prompts');
    const stepper = new Stepper(device, method, training.parse({ ...embeddedTraining(methodNamed('mudpt')), batchSize: BATCH }));
    const times: number[] = [];
    try {
      for (let step = 0; step < STEPS; step += 1) {
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
  const row = { suite: 'training', name: `MuDPT step ${NAME} B${BATCH} C${CLASSES.length}`, engine: 'mudpt' };
  return checked({ ...row, ...summary(second.times.slice(1)), error: errorOf([second.loss], [first.loss]) });
}
