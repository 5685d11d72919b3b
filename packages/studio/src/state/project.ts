/** The project on the page: its value, its images, and keeping both. */
import { computed, effect, signal } from '@preact/signals';
import { addImages, type Duplicate, removeClass, removeImages, withClass } from '../project/edit.ts';
import { expand, type Incoming } from '../project/intake.ts';
import { inLabelOrder, inPathOrder, pathsOf } from '../project/places.ts';
import { sidesOf } from '../project/split.ts';
import { askToKeep, blobsOf, database } from '../project/store.ts';
import { EMPTY_PROJECT, type ImageEntry, type Project } from '../project/types.ts';
import type { WireDataset, WireItem } from '../worker/protocol.ts';
import { type Told, toldOf } from '../worker/rpc.ts';
import { images as looker } from './workers.ts';

export const project = signal<Project>(EMPTY_PROJECT);
/** False until what was kept has been read. */
export const isReady = signal(false);

/** What happened to files that were dropped. */
export interface IntakeNotes {
  readonly added: number;
  readonly duplicates: readonly Duplicate[];
  readonly unreadable: readonly { readonly path: string; readonly told: Told }[];
  readonly others: readonly string[];
}
export const intake = signal<{ readonly done: number; readonly total: number } | undefined>(undefined);
export const notes = signal<IntakeNotes | undefined>(undefined);

/** Why the last change of the project is not kept: the browser's storage may be full. */
export const notKept = signal<Told | undefined>(undefined);

export const sides = computed(() => sidesOf(project.value));

/** Images by class, in the order of classes. */
export const imagesByClass = computed(() => {
  const groups = new Map<string, ImageEntry[]>(project.value.classes.map(({ id }) => [id, []]));
  for (const image of project.value.images) groups.get(image.classId)?.push(image);
  return groups;
});

/** Classes that have images, by label: in the order in which Node reads the project's zip. */
export const usedClasses = computed(() =>
  inLabelOrder(project.value.classes).filter(({ id }) => (imagesByClass.value.get(id)?.length ?? 0) > 0),
);

/** Changes the project; it is kept by itself. */
export function change(make: (present: Project) => Project): void {
  project.value = make(project.value);
}

export async function openProject(): Promise<void> {
  const db = await database();
  const kept = await db.get('project', 'current');
  if (kept) project.value = { ...EMPTY_PROJECT, ...kept };
  isReady.value = true;
  let [written, isWriting] = [project.value, false];
  // At once, and what has changed meanwhile afterwards: a change made right before the page is closed is kept too.
  const write = async (): Promise<void> => {
    isWriting = true;
    try {
      while (written !== project.value) {
        written = project.value;
        await db.put('project', written, 'current');
      }
      notKept.value = undefined;
    } catch (error) {
      notKept.value = toldOf(error);
    } finally {
      isWriting = false;
    }
  };
  effect(() => {
    if (project.value !== written && !isWriting) void write();
  });
}

const newId = (): string => crypto.randomUUID();

/** Takes files into the project. @param classId where loose files go; folders name their own classes */
export async function takeFiles(
  files: readonly { readonly file: File; readonly path: string }[],
  classId?: string,
): Promise<void> {
  intake.value = { done: 0, total: files.length };
  try {
    const { images, others, unreadable } = await expand(files);
    await takeImages(images, others, unreadable, classId);
  } finally {
    intake.value = undefined;
  }
}

/** Images looked at together. */
const AT_ONCE = 8;
/** Images after which the page shows what has come so far. */
const SHOWN_AFTER = 64;

async function takeImages(
  all: readonly Incoming[],
  others: readonly string[],
  unreadableZips: IntakeNotes['unreadable'],
  classId: string | undefined,
): Promise<void> {
  const unreadable = [...unreadableZips];
  const duplicates: Duplicate[] = [];
  let [done, added] = [0, 0];
  const before = project.value.images.length;
  const take = async (some: readonly Incoming[]): Promise<void> => {
    const looked = await Promise.all(some.map(({ file, path }) => looker.call('take', file, path)));
    let next = project.value;
    const entries: ImageEntry[] = [];
    for (const [place, { path, folder }] of some.entries()) {
      const found = looked[place];
      if (!found) continue;
      if ('told' in found) {
        unreadable.push({ path, told: found.told });
        continue;
      }
      const known = folder === undefined && classId !== undefined ? next.classes.find(({ id }) => id === classId) : undefined;
      const target = known ? { project: next, entry: known } : withClass(next, folder ?? 'unsorted', newId);
      next = target.project;
      const { id, width, height } = found;
      entries.push({ id, width, height, name: path.split('/').at(-1) ?? path, classId: target.entry.id });
    }
    const result = addImages(next, entries);
    const had = new Set(project.value.classes.map(({ id }) => id));
    duplicates.push(...result.duplicates);
    // A class whose only files were here already is not made.
    const isUsed = new Set(result.project.images.map(({ classId: id }) => id));
    const classes = result.project.classes.filter(({ id }) => had.has(id) || isUsed.has(id));
    project.value = { ...result.project, classes };
    added = result.project.images.length - before;
    done += some.length;
    intake.value = { done, total: all.length };
  };
  for (let from = 0; from < all.length; from += from < SHOWN_AFTER ? AT_ONCE : 2 * AT_ONCE)
    await take(all.slice(from, from + (from < SHOWN_AFTER ? AT_ONCE : 2 * AT_ONCE)));
  notes.value = { added, duplicates, unreadable, others };
  if (before === 0 && added > 0) void askToKeep();
}

/** Images are deleted from the browser as well. */
export async function deleteImages(ids: readonly string[]): Promise<void> {
  change((present) => removeImages(present, ids));
  const db = await database();
  await Promise.all(ids.flatMap((id) => [db.delete('images', id), db.delete('thumbnails', id)]));
}

export async function deleteClass(id: string): Promise<void> {
  const ids = project.value.images.filter(({ classId }) => classId === id).map((image) => image.id);
  change((present) => removeClass(present, id));
  const db = await database();
  await Promise.all(ids.flatMap((one) => [db.delete('images', one), db.delete('thumbnails', one)]));
}

/** Everything: the project, its images, what was learnt. */
export async function clearProject(): Promise<void> {
  const db = await database();
  for (const name of ['images', 'thumbnails', 'training', 'result', 'zeroShot'] as const) await db.clear(name);
  project.value = EMPTY_PROJECT;
  notes.value = undefined;
}

/**
 * What the worker is given, in the order of the project's zip: so Node learns the same from it.
 * @param classes by label; default: all that have images
 */
export async function wireDataset(classes = usedClasses.value): Promise<WireDataset> {
  const { template, images: all } = project.value;
  const labels = new Map(classes.map(({ id }, label) => [id, label]));
  const labelled = all.flatMap((image) => {
    const label = labels.get(image.classId);
    return label === undefined ? [] : [{ image, label }];
  });
  const place = new Map(inPathOrder(all, pathsOf(project.value, sides.value)).map(({ id }, index) => [id, index]));
  const placeOf = ({ image }: (typeof labelled)[number]): number => place.get(image.id) ?? 0;
  labelled.sort((a, b) => a.label - b.label || placeOf(a) - placeOf(b));
  const ids = labelled.map(({ image }) => image.id);
  const blobs = await blobsOf('images', ids);
  const [train, test]: [WireItem[], WireItem[]] = [[], []];
  for (const [index, { image, label }] of labelled.entries()) {
    const blob = blobs[index];
    if (blob) (sides.value.get(image.id) === 'test' ? test : train).push({ id: image.id, label, image: blob });
  }
  return { classNames: classes.map(({ name }) => name), template, train, test };
}

/** Settings of the request; undefined takes the default back. */
export function setSetting(section: 'settings' | 'training', name: string, value: unknown): void {
  change((present) => {
    const { [name]: _, ...rest } = present.request[section];
    return { ...present, request: { ...present.request, [section]: value === undefined ? rest : { ...rest, [name]: value } } };
  });
}
