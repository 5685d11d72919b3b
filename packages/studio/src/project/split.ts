/** The division into training and test images: by class, always the same for the same images and share. */
import type { ImageEntry, Project } from './types.ts';

export type Side = 'train' | 'test';

/**
 * Within a class images are ordered by their ids, which are hashes and so as good as drawn by lot; the first `testShare` of them are for testing.
 * Of two images or more one is always left for either side, unless the share is 0.
 */
export function sidesOf({ images, testShare }: Pick<Project, 'images' | 'testShare'>): Map<string, Side> {
  const byClass = new Map<string, ImageEntry[]>();
  for (const image of images) {
    const group = byClass.get(image.classId);
    if (group) group.push(image);
    else byClass.set(image.classId, [image]);
  }
  const sides = new Map<string, Side>();
  for (const group of byClass.values()) {
    const sorted = [...group].sort((a, b) => (a.id < b.id ? -1 : 1));
    const tests = testsOf(sorted.length, testShare);
    for (const [place, { id }] of sorted.entries()) sides.set(id, place < tests ? 'test' : 'train');
  }
  return sides;
}

/** Test images of a class of `count`. */
export function testsOf(count: number, share: number): number {
  if (share === 0 || count < 2) return 0;
  return Math.min(count - 1, Math.max(1, Math.round(count * share)));
}
