/** CLIP models: the one that comes with the page, a person's files, the hub's. */
import { type Clip, type Files, loadClip, type LoadProgress, type ModelInput, openWeights, weightShapes } from '@mudpt/clip';
import type { Device } from '@mudpt/tensor';
import configAddress from '../../../mudpt/assets/clip/config.json?url';
import mergesAddress from '../../../mudpt/assets/clip/merges.txt?url';
import weightsAddress from '../../../mudpt/assets/clip/model.safetensors?url';
import preprocessorAddress from '../../../mudpt/assets/clip/preprocessor_config.json?url';
import vocabAddress from '../../../mudpt/assets/clip/vocab.json?url';
import type { ModelFacts, ModelSource } from '../worker/protocol.ts';
import { pageError } from '../worker/rpc.ts';
import { hubModel } from './hub.ts';
import { roomFor } from './room.ts';

const EMBEDDED: Readonly<Record<string, string>> = {
  'config.json': configAddress,
  'merges.txt': mergesAddress,
  'model.safetensors': weightsAddress,
  'preprocessor_config.json': preprocessorAddress,
  'vocab.json': vocabAddress,
};

/** The files beside the page under the names that model folders use. */
function embeddedFiles(): Files {
  return {
    name: 'embedded',
    names: Object.keys(EMBEDDED),
    open: async (name) => {
      const address = new URL(EMBEDDED[name] ?? name, import.meta.url);
      const answer = await fetch(address);
      if (!answer.ok) throw pageError('pageFile', name, String(answer.status));
      return answer.blob();
    },
  };
}

/** @throws FormatError, InputError for files that are no CLIP; StudioError where the adapter cannot hold it */
export async function openClip(
  source: ModelSource,
  device: Device,
  onProgress: (progress: LoadProgress) => void,
): Promise<{ readonly clip: Clip; readonly facts: ModelFacts }> {
  const options = { device, onProgress };
  const input =
    source.kind === 'embedded'
      ? embeddedFiles()
      : source.kind === 'hub'
        ? await hubModel(source.name, onProgress)
        : source.files.length === 1
          ? (source.files[0] as File)
          : source.files;
  if (source.kind === 'files') await expectRoom(input, source.name, device);
  const clip = await loadClip(input, options);
  return { clip, facts: factsOf(clip, source) };
}

/** Sizes stand at the head of a file: before its weights are read. @throws StudioError naming the weight that the adapter cannot hold */
async function expectRoom(input: ModelInput, name: string, { limits }: Device): Promise<void> {
  const opened = await openWeights(input);
  try {
    const { tooLarge } = roomFor(
      [...opened.weights].map(([weight, { shape }]) => [weight, shape] as const),
      limits,
    );
    if (tooLarge) throw pageError('tooLarge', name, `${tooLarge.name} (${tooLarge.bytes} bytes)`);
  } finally {
    await opened.close();
  }
}

function factsOf({ config, hash }: Clip, source: ModelSource): ModelFacts {
  const { embed, image, text } = config;
  const parameters = [...weightShapes(config).values()].reduce(
    (sum, shape) => sum + shape.reduce((product, length) => product * length, 1),
    0,
  );
  return {
    name: source.kind === 'embedded' ? 'embedded' : source.name,
    kind: source.kind,
    hash: hash ?? '',
    embed,
    imageSize: image.size,
    context: text.context,
    layers: { text: text.layers, image: image.layers },
    widths: { text: text.width, image: image.width },
    parameters,
  };
}
