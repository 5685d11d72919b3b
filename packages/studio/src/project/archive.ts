/**
 * A project as one zip, and back. Unpacked it is a data set too: `train/CLASS/FILE` and `test/CLASS/FILE` with `classnames.txt`, which
 * `mudpt train --data` reads with the same classes and the same division.
 */
import * as z from 'zod/mini';
import type { PromptFiles } from '../worker/protocol.ts';
import { StudioError } from '../worker/rpc.ts';
import { cleanName } from './edit.ts';
import { fileName } from './save.ts';
import type { Side } from './split.ts';
import type { Project } from './types.ts';
import { readZip, writeZip, type ZipEntry } from './zip.ts';

const PROJECT = 'project.json';
/** Files, not a folder: folders of a data set are classes. With them the project is a run's folder too, which `mudpt predict` reads. */
const PROMPTS = { tensors: 'prompts.safetensors', facts: 'prompts.json', config: 'config.yaml' } as const;

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
  const folders = uniqueNames(project.classes.map(({ id, name }) => [id, fileName(name)]));
  const inFolder = project.images.map(({ id, name, classId }) => [id, `${folders.get(classId)}/${safeFile(name)}`] as const);
  const paths = uniqueNames(inFolder.map(([id, path]) => [id, `${sides.get(id) ?? 'train'}/${path}`]));
  const images = project.images.map((image) => ({ ...image, path: paths.get(image.id) ?? '' }));
  const files: (readonly [string, Blob | string])[] = [
    [PROJECT, JSON.stringify({ ...project, images }, undefined, 1)],
    ['classnames.txt', project.classes.map(({ id, name }) => `${folders.get(id)} ${name}\n`).join('')],
  ];
  for (const { id, path } of images) {
    const blob = blobs.get(id);
    if (blob) files.push([path, blob]);
  }
  if (prompts)
    files.push([PROMPTS.tensors, new Blob([prompts.tensors])], [PROMPTS.facts, prompts.facts], [PROMPTS.config, prompts.config]);
  return writeZip(files);
}

export interface OpenedArchive {
  readonly project: Project;
  /** Images by id, as the project says; whether they are is seen when they are taken. */
  readonly blobs: ReadonlyMap<string, Blob>;
  readonly prompts: { readonly tensors: Blob; readonly facts: string } | undefined;
}

/** @throws StudioError for a zip that is no project, or lacks images that it names */
export async function readArchive(file: File): Promise<OpenedArchive> {
  const entries = new Map((await readZip(file)).map((entry) => [entry.path, entry]));
  const found = entries.get(PROJECT);
  const fail = (problem: string): StudioError =>
    new StudioError({ name: 'InputError', problem: `${file.name} ${problem}`, fix: 'give the zip that this page wrote' });
  if (!found) throw fail(`has no ${PROJECT}`);
  const { success, data, error } = z.safeParse(schema, await parsed(found, fail));
  if (!success) throw fail(`is no project of this page (${error.issues[0]?.path.join('.')}: ${error.issues[0]?.message})`);
  const classes = new Map(data.classes.map(({ id, name }) => [id, { id, name: cleanName(name) || 'unnamed' }]));
  const blobs = new Map<string, Blob>();
  for (const { id, path, classId } of data.images) {
    if (!classes.has(classId)) throw fail(`has ${path} in a class that it does not list`);
    const image = entries.get(path);
    if (!image) throw fail(`lacks ${path}`);
    blobs.set(id, image.blob);
  }
  const [tensors, facts] = [entries.get(PROMPTS.tensors), entries.get(PROMPTS.facts)];
  const prompts = tensors && facts ? { tensors: tensors.blob, facts: await facts.blob.text() } : undefined;
  const images = data.images.map(({ path: _path, ...image }) => image);
  return { project: { ...data, classes: [...classes.values()], images }, blobs, prompts };
}

async function parsed({ blob }: ZipEntry, fail: (problem: string) => StudioError): Promise<unknown> {
  try {
    return JSON.parse(await blob.text()) as unknown;
  } catch (error) {
    throw fail(`has a damaged ${PROJECT} (${error instanceof Error ? error.message : String(error)})`);
  }
}

/** A name that no file system refuses; its ending stays. */
function safeFile(name: string): string {
  const end = /\.[a-z0-9]{1,5}$/i.exec(name)?.[0] ?? '.png';
  return `${fileName(name.slice(0, name.length - end.length))}${end}`;
}

/** The same names, told apart by numbers where two are equal: on some systems A is a. */
function uniqueNames(names: readonly (readonly [id: string, name: string])[]): Map<string, string> {
  const taken = new Set<string>();
  return new Map(
    names.map(([id, name]) => {
      let unique = name;
      const dot = /^(.*?)(\.[a-z0-9]{1,5})?$/i.exec(name);
      for (let number = 2; taken.has(unique.toLowerCase()); number += 1)
        unique = `${dot?.[1] ?? name}-${number}${dot?.[2] ?? ''}`;
      taken.add(unique.toLowerCase());
      return [id, unique];
    }),
  );
}
