/** Programs that use the exported prompts: in a shell, in Node, in a page. */

export interface ProgramFacts {
  /** Folder of the unpacked prompts. */
  readonly folder: string;
  /** Where the base model is, in words; and its path where Node does not find it by the name in the prompts. */
  readonly model: string;
  readonly modelPath: string | undefined;
  /** Whether the method is fitted to features of images. */
  readonly isFitted: boolean;
  /** Photographs are turned upright by the camera's tag. */
  readonly exif: 'apply' | undefined;
}

export function shellProgram({ folder, modelPath }: ProgramFacts): string {
  const flag = modelPath === undefined ? '' : ` --model ${modelPath}`;
  return `unzip ${folder}.zip\nnpx mudpt predict ${folder} my-pictures --top 3${flag}`;
}

export function nodeProgram({ folder, modelPath }: ProgramFacts): string {
  return `import { Device } from '@mudpt/tensor';
import { openRun, predictFiles } from 'mudpt';

const device = await Device.open();
const run = await openRun('${folder}', { device${modelPath === undefined ? '' : `, model: '${modelPath}'`} });
for (const { file, top } of await predictFiles(run, ['a.jpg', 'b.jpg'], 3)) console.log(file, top);
await run.close();`;
}

/** Images are prepared as where the prompts were learnt: size, resizing and normalization are the model's, the orientation is the run's. */
export function pageProgram({ folder, model, isFitted, exif }: ProgramFacts): string {
  return `import { Device, tensor } from '@mudpt/tensor';
import { createImageLoader, loadClip, normalize } from '@mudpt/clip';
import { methodContext, methodNamed, openPromptFacts, restorePromptBytes } from 'mudpt/core';

const device = await Device.open();
const clip = await loadClip(modelFiles, { device }); // ${model}
const facts = await openPromptFacts(await (await fetch('${folder}/prompts.json')).text());
const method = methodNamed(facts.method).create(await methodContext(clip, facts), facts.settings);
await restorePromptBytes(await (await fetch('${folder}/prompts.safetensors')).blob(), facts, method, device);

const { image, normalization, resizing } = clip.config;
const loader = createImageLoader({ size: image.size, resizing${exif === undefined ? '' : `, exif: '${exif}'`} });
const pixels = await loader.load(file); // a File of an <input>
const images = tensor(normalize([pixels], image.size, normalization), { shape: [1, 3, image.size, image.size] });
const logits = method.evaluate(${isFitted ? "clip.tower('image').forward(images)" : 'images'});
// One number for each of facts.classNames.
console.log(await logits.div(facts.temperature ?? 1).softmax().array());`;
}
