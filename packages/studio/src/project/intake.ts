/** What was dropped or picked, as files with the class that their folder names: folders, zips of folders, loose files. */
import { type Told, toldOf } from '../worker/rpc.ts';
import { IMAGE_ENDING } from './places.ts';
import { readZip } from './zip.ts';

export interface Incoming {
  readonly file: Blob;
  /** Path within what was dropped, for people. */
  readonly path: string;
  /** The folder right above the file, by its name in `classnames.txt` where there is one; undefined for loose files. */
  readonly folder: string | undefined;
}

/** Folders that say how images are divided, not what is on them. */
const SPLITS = /^(train|training|val|valid|validation|test|testing)$/i;

/** Files of the operating system, and hidden ones. */
const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.') || part === '__MACOSX');

/** Lines "FOLDER words": better names of class folders, as Node reads them. */
const CLASS_NAMES = /(^|\/)classnames\.txt$/;

async function classNames(lists: readonly Blob[]): Promise<Map<string, string>> {
  const texts = await Promise.all(lists.map((list) => list.text()));
  const lines = texts.flatMap((text) => [...text.matchAll(/^[^\S\n]*(\S+)[^\S\n]+(\S[^\n]*?)\s*$/gm)]);
  return new Map(lines.map(([, folder = '', words = '']) => [folder, words]));
}

function incoming(file: Blob, path: string, names: ReadonlyMap<string, string>): Incoming {
  const folders = path.split('/').slice(0, -1);
  const folder = folders.findLast((one) => !SPLITS.test(one));
  return { file, path, folder: folder === undefined ? undefined : (names.get(folder) ?? folder) };
}

/** Reads zips, and leaves out what is no image by its name; a zip that cannot be read is told, and the others are taken. */
export async function expand(files: readonly { readonly file: File; readonly path: string }[]): Promise<{
  readonly images: Incoming[];
  readonly others: string[];
  readonly unreadable: { readonly path: string; readonly told: Told }[];
}> {
  const found: { readonly file: Blob; readonly path: string }[] = [];
  const lists: Blob[] = [];
  const unreadable: { readonly path: string; readonly told: Told }[] = [];
  const others: string[] = [];
  const add = (file: Blob, path: string): void => {
    if (isHidden(path)) return;
    if (IMAGE_ENDING.test(path) || file.type.startsWith('image/')) found.push({ file, path });
    else if (CLASS_NAMES.test(path)) lists.push(file);
    else others.push(path);
  };
  for (const { file, path } of files) {
    if (!/\.zip$/i.test(path)) {
      add(file, path);
      continue;
    }
    try {
      for (const entry of await readZip(file)) add(entry.blob, entry.path);
    } catch (error) {
      unreadable.push({ path, told: toldOf(error) });
    }
  }
  const names = await classNames(lists);
  return { images: found.map(({ file, path }) => incoming(file, path, names)), others, unreadable };
}

/** Everything below what was dropped, folders included. Call it in the event's own turn: afterwards the browser forgets the items. */
export async function filesOfDrop(transfer: DataTransfer): Promise<{ file: File; path: string }[]> {
  const entries = [...transfer.items].map((item) => ({ entry: item.webkitGetAsEntry?.() ?? null, file: item.getAsFile() }));
  const found: { file: File; path: string }[] = [];
  for (const { entry, file } of entries) {
    if (entry) await walk(entry, found);
    else if (file) found.push({ file, path: file.name });
  }
  return found;
}

/** Files of a picker; folders give their paths. */
export function filesOfPicker(list: FileList | null): { file: File; path: string }[] {
  return [...(list ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

async function walk(entry: FileSystemEntry, found: { file: File; path: string }[]): Promise<void> {
  const path = entry.fullPath.replace(/^\//, '');
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push({ file, path });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A reader gives a hundred entries at a time.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const one of some) await walk(one, found);
  }
}
