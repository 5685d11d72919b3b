/** The project of the page as a zip, and a zip in place of the project. */
import { effect } from '@preact/signals';
import type { OpenedArchive } from '../project/archive.ts';
import { blobsOf, database } from '../project/store.ts';
import type { Told } from '../worker/rpc.ts';
import { clearProject, intake, notes, project, sides } from './project.ts';
import { expectIdle, importPrompts, pause } from './learning.ts';
import { forgetLearnt, isBusy } from './session.ts';
import { images as looker } from './workers.ts';

/** Loaded when it is wanted, with its schema. */
const archives = () => import('../project/archive.ts');

export async function exportProject(): Promise<Blob> {
  const ids = project.value.images.map(({ id }) => id);
  const found = await blobsOf('images', ids);
  const blobs = new Map(ids.flatMap((id, place) => (found[place] ? [[id, found[place]] as const] : [])));
  const prompts = (await (await database()).get('result', 'current'))?.prompts;
  const { writeArchive } = await archives();
  return writeArchive({ project: project.value, sides: sides.value, blobs, prompts });
}

/** @throws StudioError for a zip that is no project: then the present one stays; while training runs */
export async function importProject(file: File): Promise<void> {
  expectIdle();
  const { readArchive } = await archives();
  const archive = await readArchive(file);
  await clearProject();
  await forgetLearnt();
  await takeAll(archive);
  if (archive.prompts) await importPrompts(archive.prompts);
}

/** Forgets the project and what was learnt; training that runs is given up. */
export async function startOver(): Promise<void> {
  if (isBusy.value) {
    await pause();
    await new Promise<void>((resolve) => {
      const stop = effect(() => {
        if (isBusy.value) return;
        queueMicrotask(() => stop());
        resolve();
      });
    });
  }
  await forgetLearnt();
  await clearProject();
}

/** Images are looked at as if they were dropped: what a zip says of them is not believed. */
async function takeAll({ project: given, blobs }: OpenedArchive): Promise<void> {
  const unreadable: { path: string; told: Told }[] = [];
  const images = new Map<string, (typeof given.images)[number]>();
  try {
    for (const [place, image] of given.images.entries()) {
      const blob = blobs.get(image.id);
      const looked = blob && (await looker.call('take', blob, image.name));
      if (looked && 'id' in looked)
        images.set(looked.id, { ...image, id: looked.id, width: looked.width, height: looked.height });
      else if (looked) unreadable.push({ path: image.name, told: looked.told });
      intake.value = { done: place + 1, total: given.images.length };
    }
    project.value = { ...given, images: [...images.values()] };
    notes.value = { added: images.size, duplicates: [], unreadable, others: [] };
  } finally {
    intake.value = undefined;
  }
}
