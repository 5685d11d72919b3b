/** Classes of single images, in the order given, with the reason where one cannot be read. */
import { type Clip, decodeImage } from '@mudpt/clip';
import type { Item, Method } from 'mudpt/core';
import { FeatureCache } from '../model/features.ts';
import { predict, type TunedFacts } from '../model/measure.ts';
import type { Classified } from './protocol.ts';
import { type Told, toldOf } from './rpc.ts';

/** The model that classifies; without a method the frozen one. */
export interface Classifier {
  readonly clip: Clip;
  readonly method: Method | undefined;
  readonly classes: TunedFacts;
  readonly exif: TunedFacts['exif'];
}

export async function classifyImages(images: readonly Blob[], classifier: Classifier): Promise<Classified[]> {
  const { clip, method, classes, exif } = classifier;
  const items: Item[] = images.map((image, place) => ({ id: String(place), image, label: 0 }));
  // A frame of the camera is seen once, so its features are not kept.
  const found = await predict({ clip, cache: new FeatureCache(clip, exif), method, classes, items });
  const tops = new Map(found.predictions.map(({ item, top }) => [item.id, top]));
  const bad = new Set(found.unreadable.map(({ id }) => id));
  return Promise.all(
    images.map(async (image, place) => {
      const id = String(place);
      const told = bad.has(id) ? await whyUnreadable(image) : undefined;
      return { top: tops.get(id) ?? [], ...(told && { told }) };
    }),
  );
}

/** Why an image could not be read, with the error's code; loaders keep the English text alone. */
async function whyUnreadable(image: Blob): Promise<Told | undefined> {
  try {
    await decodeImage(image, image instanceof File ? { name: image.name } : {});
    return undefined;
  } catch (error) {
    return toldOf(error);
  }
}
