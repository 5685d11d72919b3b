/** Changes of a project, each a new value. */
import type { ClassEntry, ImageEntry, Project } from './types.ts';

/** A name as a prompt wants it: one line, without spaces at its ends; characters that cannot be seen are left out. */
export function cleanName(text: string): string {
  return text.replaceAll(/\p{C}/gu, ' ').replaceAll(/\s+/g, ' ').trim().slice(0, 200);
}

/** The class of that name, new where there is none. */
export function withClass(project: Project, given: string, makeId: () => string): { project: Project; entry: ClassEntry } {
  const name = cleanName(given) || 'unnamed';
  const known = project.classes.find((one) => one.name === name);
  if (known) return { project, entry: known };
  const entry = { id: makeId(), name };
  return { project: { ...project, classes: [...project.classes, entry] }, entry };
}

/** Renamed; where another class has the name already, the two become one. */
export function renameClass(project: Project, id: string, given: string): Project {
  const name = cleanName(given);
  if (name === '') return project;
  const other = project.classes.find((one) => one.name === name && one.id !== id);
  if (!other) return { ...project, classes: project.classes.map((one) => (one.id === id ? { ...one, name } : one)) };
  return removeClassEntry(moveImages(project, imagesOf(project, id), other.id), id);
}

export function imagesOf({ images }: Project, classId: string): string[] {
  return images.filter((image) => image.classId === classId).map(({ id }) => id);
}

export function moveImages(project: Project, ids: Iterable<string>, classId: string): Project {
  const moved = new Set(ids);
  return { ...project, images: project.images.map((image) => (moved.has(image.id) ? { ...image, classId } : image)) };
}

export function removeImages(project: Project, ids: Iterable<string>): Project {
  const gone = new Set(ids);
  return { ...project, images: project.images.filter(({ id }) => !gone.has(id)) };
}

/** A class with all of its images. */
export function removeClass(project: Project, id: string): Project {
  return removeClassEntry(removeImages(project, imagesOf(project, id)), id);
}

function removeClassEntry(project: Project, id: string): Project {
  return { ...project, classes: project.classes.filter((one) => one.id !== id) };
}

/** An image that is there already, and in which class. */
export interface Duplicate {
  readonly name: string;
  readonly of: ImageEntry;
  readonly classId: string;
}

/** Adds images; those whose bytes the project has already are told instead. */
export function addImages(project: Project, added: readonly ImageEntry[]): { project: Project; duplicates: Duplicate[] } {
  const known = new Map(project.images.map((image) => [image.id, image]));
  const fresh: ImageEntry[] = [];
  const duplicates: Duplicate[] = [];
  for (const image of added) {
    const there = known.get(image.id);
    if (there) duplicates.push({ name: image.name, of: there, classId: image.classId });
    else {
      known.set(image.id, image);
      fresh.push(image);
    }
  }
  return { project: { ...project, images: [...project.images, ...fresh] }, duplicates };
}
