/**
 * A project as one zip, and back. Unpacked it is a data set too: `train/CLASS/FILE` and `test/CLASS/FILE` with `classnames.txt`, which
 * `mudpt train --data` reads with the same classes and the same division.
 */
import * as z from 'zod/mini';
import type { PromptFiles } from '../worker/protocol.ts';
import { pageError, type StudioError } from '../worker/rpc.ts';
import { cleanName } from './edit.ts';
import { foldersOf, pathsOf } from './places.ts';
import { type GivenPrompts, PROMPTS, promptsAmong } from './prompt-folder.ts';
import type { Side } from './split.ts';
import type { Project } from './types.ts';
import { readZip, writeZip, type ZipEntry } from './zip.ts';

const PROJECT = 'project.json';

const text = z.string().check(z.maxLength(10_000));
const count = z.int().check(z.minimum(1));
const schema = z.object({
  format: z.literal(1),
  name: text,
  template: text,
  testShare: z.number().check(z.minimum(0), z.maximum(0.95)),
  classes: z.array(z.object({ id: text, name: text })),
  images: z.array(z.object({ id: text, name: text, classId: text, width: count, height: count, path: text })),
  request: z.object({
    method: text,
    shots: z.union([z.literal('all'), count]),
    seed: z.int().check(z.minimum(0)),
    settings: z.record(text, z.unknown()),
    training: z.record(text, z.unknown()),
  }),
});

export interface ArchiveParts {
  readonly project: Project;
  readonly sides: ReadonlyMap<string, Side>;
  readonly blobs: ReadonlyMap<string, Blob>;
  readonly prompts: PromptFiles | undefined;
}

export async function writeArchive({ project, sides, blobs, prompts }: ArchiveParts): Promise<Blob> {
  const folders = foldersOf(project.classes);
  const paths = pathsOf(project, sides);
  const images = project.images.map((image) => ({ ...image, path: paths.get(image.id) ?? '' }));
  const files: (readonly [string, Blob | string])[] = [
    [PROJECT, JSON.stringify({ ...project, images }, undefined, 1)],
    ['classnames.txt', project.classes.map(({ id, name }) => `${folders.get(id)} ${name}\n`).join('')],
  ];
  for (const { id, path } of images) {
    const blob = blobs.get(id);
    if (blob) files.push([path, blob]);
  }
  // Beside the images, not in a folder, which would be a class: so the project is a run's folder too, which `mudpt predict` reads.
  if (prompts)
    files.push([PROMPTS.tensors, new Blob([prompts.tensors])], [PROMPTS.facts, prompts.facts], [PROMPTS.config, prompts.config]);
  return writeZip(files);
}

export interface OpenedArchive {
  readonly project: Project;
  /** Images by id, as the project says; whether they are is seen when they are taken. */
  readonly blobs: ReadonlyMap<string, Blob>;
  readonly prompts: GivenPrompts | undefined;
}

/** @throws StudioError for a zip that is no project, or lacks images that it names */
export async function readArchive(file: File): Promise<OpenedArchive> {
  const entries = new Map((await readZip(file)).map((entry) => [entry.path, entry]));
  const found = entries.get(PROJECT);
  const fail = (what: string): StudioError => pageError('noProject', file.name, what);
  if (!found) throw pageError('projectLacks', file.name, PROJECT);
  const { success, data, error } = z.safeParse(schema, await parsed(found, fail));
  if (!success) throw fail(`${error.issues[0]?.path.join('.')}: ${error.issues[0]?.message}`);
  const classes = new Map(data.classes.map(({ id, name }) => [id, { id, name: cleanName(name) || 'unnamed' }]));
  const blobs = new Map<string, Blob>();
  for (const { id, path, classId } of data.images) {
    if (!classes.has(classId)) throw fail(`${path} is in a class that it does not list`);
    const image = entries.get(path);
    if (!image) throw pageError('projectLacks', file.name, path);
    blobs.set(id, image.blob);
  }
  const kept = Object.values(PROMPTS).flatMap((name) => entries.get(name) ?? []);
  const prompts = await promptsAmong(new Map(kept.map(({ path, blob }) => [path, blob])));
  const images = data.images.map(({ path: _path, ...image }) => image);
  return { project: { ...data, classes: [...classes.values()], images }, blobs, prompts };
}

async function parsed({ blob }: ZipEntry, fail: (what: string) => StudioError): Promise<unknown> {
  try {
    return JSON.parse(await blob.text()) as unknown;
  } catch (error) {
    throw fail(`${PROJECT} is damaged (${error instanceof Error ? error.message : String(error)})`);
  }
}
