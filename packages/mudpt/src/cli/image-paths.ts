/** The image files that arguments mean: files, folders, and patterns where no shell has filled them in. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { IMAGE_KINDS, imagesBelow, listFolder } from '@mudpt/clip/files';
import { InputError } from '@mudpt/tensor';

const MAGIC = /[*?]/;

/**
 * Files as they are, all images below folders, and what patterns match: `*` and `?` within a name, `**` for folders at any depth.
 * @returns the images, each once, and the other files of those folders
 * @throws InputError for a path that does not exist, or when there is no image at all
 */
export async function imagePaths(inputs: readonly string[]): Promise<{ files: string[]; others: string[] }> {
  const files = new Set<string>();
  const others: string[] = [];
  for (const input of inputs) {
    const found = await stat(input).catch(() => undefined);
    if (!found && MAGIC.test(input)) for (const path of await matching(input)) files.add(path);
    else if (!found) throw new InputError('predict', `there is no file or folder ${input}`, 'check the path');
    else if (found.isDirectory()) {
      const below = await imagesBelow(input);
      for (const name of below.images) files.add(join(input, name));
      for (const name of below.others) others.push(join(input, name));
    } else files.add(input);
  }
  if (files.size > 0) return { files: [...files], others };
  throw new InputError('predict', `there are no images in ${inputs.join(', ')}`, `give ${IMAGE_KINDS} files`);
}

async function matching(pattern: string): Promise<string[]> {
  const parts = pattern.split(/[\\/]/);
  const first = parts.findIndex((part) => MAGIC.test(part));
  const base = parts.slice(0, first).join('/') || (pattern.startsWith('/') ? '/' : '.');
  const rest = parts.slice(first).join('/');
  const isDeep = rest.includes('/');
  const { images } = isDeep ? await imagesBelow(base) : await listFolder(base);
  const wanted = regular(rest);
  return images.filter((name) => wanted.test(name)).map((name) => (base === '.' ? name : join(base, name)));
}

function regular(pattern: string): RegExp {
  const source = pattern.replace(/\*\*\/?|\*|\?|[.+^${}()|[\]\\]/g, (mark) => {
    if (mark === '**/') return '(?:.*/)?';
    if (mark === '**') return '.*';
    if (mark === '*') return '[^/]*';
    return mark === '?' ? '[^/]' : `\\${mark}`;
  });
  return new RegExp(`^${source}$`, process.platform === 'win32' ? 'i' : '');
}
