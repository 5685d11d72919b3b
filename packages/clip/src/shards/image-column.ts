/** Which column of a Parquet list holds its images: found by type and name, or named. */
import { InputError } from '@mudpt/tensor';
import type { SchemaTree } from 'hyparquet';

/** A column by the names that lead to it, as `image.bytes`. */
export interface ImageColumn {
  /** Names from the top on. */
  readonly path: readonly string[];
  readonly kind: 'bytes' | 'path';
  /** A path beside bytes in one struct, as Hugging Face data sets have it: the id, and the file where there are no bytes. */
  readonly pathBeside?: readonly string[];
}

/** What columns of paths are called. */
const PATHS = new Set(['path', 'file', 'file_name', 'filename', 'image', 'image_path', 'file_path', 'filepath', 'img', 'url']);

/** @throws InputError naming the columns, when the one that was named holds no image, or none or several might */
export function imageColumn(root: SchemaTree, file: string, named: string | undefined): ImageColumn {
  const told = `its columns are ${root.children.map(described).join(', ') || 'none'}`;
  if (named !== undefined) {
    const node = find(root, named);
    const column = node && asColumn(node);
    if (column) return column;
    const problem = node ? `is ${described(node)}, neither bytes nor text` : `is not in ${file}`;
    throw new InputError('--column', `${named} ${problem}; ${told}`, 'name a column of paths or of image bytes');
  }
  const columns = root.children.flatMap((node) => {
    const column = asColumn(node);
    return column ? [column] : [];
  });
  const ofBytes = columns.filter(({ kind }) => kind === 'bytes');
  const ofPaths = columns.filter(({ kind, path: [name = ''] }) => kind === 'path' && PATHS.has(name.toLowerCase()));
  const [first, ...others] = ofBytes.length > 0 ? ofBytes : ofPaths;
  if (first && others.length === 0) return first;
  const problem = first
    ? `has several columns that may hold images (${[first, ...others].map(({ path }) => path.join('.')).join(', ')})`
    : 'has no column that is known to hold images';
  throw new InputError('shards', `${file} ${problem}; ${told}`, 'name one with --column, such as --column image.bytes');
}

/** The column at names joined by dots; a column whose name has dots is found first. */
export function find(root: SchemaTree, named: string): SchemaTree | undefined {
  const exact = root.children.find(({ element }) => element.name === named);
  if (exact) return exact;
  let node: SchemaTree | undefined = root;
  for (const name of named.split('.')) node = node?.children.find(({ element }) => element.name === name);
  return node;
}

function asColumn(node: SchemaTree): ImageColumn | undefined {
  const { path, children } = node;
  const [bytes, beside] = ['bytes', 'path'].map((name) => children.find(({ element }) => element.name === name));
  if (bytes && kindOf(bytes) === 'bytes')
    return { path: bytes.path, kind: 'bytes', ...(beside && kindOf(beside) === 'path' && { pathBeside: beside.path }) };
  const kind = kindOf(node);
  return kind && { path, kind };
}

function kindOf({ element, children }: SchemaTree): ImageColumn['kind'] | undefined {
  const { type, converted_type, logical_type, repetition_type } = element;
  if (children.length > 0 || type !== 'BYTE_ARRAY' || repetition_type === 'REPEATED') return undefined;
  if (converted_type === undefined && logical_type === undefined) return 'bytes';
  return converted_type === 'UTF8' || logical_type?.type === 'STRING' ? 'path' : undefined;
}

function described({ element, children }: SchemaTree): string {
  const { name, type = 'group', converted_type, logical_type } = element;
  if (children.length > 0) return `${name} {${children.map(described).join(', ')}}`;
  return `${name} (${converted_type ?? logical_type?.type ?? type})`;
}
