/** The command `clip embed`: features of images and texts. */
import { InputError, l2Normalize, type Tensor } from '@mudpt/tensor';
import type { TowerName } from '../weight-shapes.ts';
import { listImages } from './images.ts';
import { forBatches, linesOf, type OutputFlags, type Surroundings, withModel } from './session.ts';

export type EmbedFlags = OutputFlags & {
  readonly text?: readonly string[];
  readonly texts?: string;
  readonly normalize?: boolean;
};

export async function embed(model: string, paths: readonly string[], flags: EmbedFlags, around: Surroundings): Promise<void> {
  const texts = [...(flags.text ?? []), ...(await linesOf(flags.texts))];
  if (paths.length + texts.length === 0)
    throw new InputError('clip embed', 'there is nothing to embed', 'give images, --text or --texts');
  const files = await listImages(paths);
  const towers: TowerName[] = [
    ...(files.length > 0 ? (['image'] as const) : []),
    ...(texts.length > 0 ? (['text'] as const) : []),
  ];
  await withModel(model, towers, flags, around, async (clip, writer) => {
    const write = async (kind: 'file' | 'text', names: readonly string[], features: Tensor): Promise<void> => {
      using unit = flags.normalize ? l2Normalize(features, -1) : undefined;
      const values = await (unit ?? features).data();
      for (const [index, name] of names.entries()) {
        const embedding = [...values.subarray(index * clip.config.embed, (index + 1) * clip.config.embed)];
        writer.add({ [kind]: name, status: 'ok', embedding }, [{ kind, source: name, status: 'ok', error: '', e: embedding }]);
      }
    };
    const nothing = Array.from({ length: clip.config.embed }, () => '');
    await forBatches(clip, files, flags, around, async (images, prepared) => {
      const names = prepared.filter(({ why }) => why === undefined).map(({ file }) => file);
      if (images) {
        using features = await clip.encodeImage(images, { signal: around.signal });
        await write('file', names, features);
      }
      for (const { file, why } of prepared)
        if (why !== undefined)
          writer.add({ file, status: 'error', error: why }, [
            { kind: 'file', source: file, status: 'error', error: why, e: nothing },
          ]);
    });
    if (texts.length === 0) return;
    using features = await clip.encodeText(texts, { signal: around.signal });
    await write('text', texts, features);
  });
}
