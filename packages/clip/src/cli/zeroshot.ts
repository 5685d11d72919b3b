/** The command `clip zeroshot`: for every image the labels that fit it, best first. */
import { readFile } from 'node:fs/promises';
import { InputError, type Tensor } from '@mudpt/tensor';
import { type Descriptions, descriptionsFor, parseDescriptions } from '../descriptions.ts';
import { DEFAULT_TEMPLATES } from '../zero-shot.ts';
import { listImages } from './images.ts';
import { forBatches, linesOf, type OutputFlags, type Surroundings, withModel } from './session.ts';

export type ZeroShotFlags = OutputFlags & {
  readonly label?: readonly string[];
  readonly labels?: string;
  readonly template?: readonly string[];
  readonly templates?: string;
  readonly descriptions?: string;
  readonly top?: number;
};

export async function zeroShot(
  model: string,
  paths: readonly string[],
  flags: ZeroShotFlags,
  around: Surroundings,
): Promise<void> {
  const described = flags.descriptions === undefined ? undefined : await descriptionsOf(flags.descriptions);
  const named = [...(flags.label ?? []), ...(await linesOf(flags.labels))];
  const labels = named.length === 0 && described ? [...described.keys()] : named;
  const given = [...(flags.template ?? []), ...(await linesOf(flags.templates))];
  const templates = given.length > 0 ? given : DEFAULT_TEMPLATES;
  if (labels.length === 0) throw new InputError('clip zeroshot', 'there are no labels', 'give --label or --labels');
  if (described && given.length > 0)
    throw new InputError('clip zeroshot', 'there are descriptions and templates', 'give one or the other');
  const sentences = described && descriptionsFor(described, labels, flags.descriptions ?? '');
  const files = await listImages(paths);
  const { signal } = around;
  await withModel(model, ['image', 'text'], flags, around, async (clip, writer) => {
    using classes = sentences && (await clip.descriptionFeatures(sentences, { signal }));
    const options = { signal, ...(flags.top && { top: flags.top }) };
    const predict = (images: Tensor) =>
      classes ? clip.rankImages(images, classes, labels, options) : clip.zeroShot(images, labels, templates, options);
    await forBatches(clip, files, flags, around, async (images, prepared) => {
      const found = images ? await predict(images) : [];
      for (const { file, why } of prepared) {
        if (why !== undefined) {
          const nothing = { rank: '', label: '', probability: '', logit: '' };
          writer.add({ file, status: 'error', predictions: [], error: why }, [{ file, ...nothing, status: 'error', error: why }]);
          continue;
        }
        const told = (found.shift() ?? []).map(({ label, probability, logit }) => ({ label, probability, logit }));
        writer.add(
          { file, status: 'ok', predictions: told },
          told.map((one, place) => ({ file, rank: place + 1, ...one, status: 'ok', error: '' })),
        );
      }
    });
  });
}

async function descriptionsOf(path: string): Promise<Descriptions> {
  return parseDescriptions(await readFile(path, 'utf8'), path);
}
