/** The manifest of icons: the committed list of concepts with their names, tags and icons in every style. */
import { readFile } from 'node:fs/promises';
import { categoryOf } from './categories.ts';

export type Concept = {
  /** Code points without skin tone and gender; see names.ts. */
  readonly id: string;
  /** CLDR's English label, without typographic quotes. */
  readonly label: string;
  readonly tags: readonly string[];
  readonly group: string;
  readonly subgroup: string;
  /** Index of its category in CATEGORIES, if any. */
  readonly category: number | undefined;
  /** Names of its icons by style: the plain one first, then gender variants. */
  readonly icons: Readonly<Record<string, readonly string[]>>;
};

/** The committed file; scripts/icon-manifest.ts writes it. */
export const MANIFEST = new URL('../../../../assets/icons.json', import.meta.url);

/** Reads the manifest. */
export async function readManifest(file: URL | string = MANIFEST): Promise<Concept[]> {
  const { concepts } = JSON.parse(await readFile(file, 'utf8')) as { concepts: Omit<Concept, 'category'>[] };
  return concepts.map((concept) => ({ ...concept, category: categoryOf(concept.label, concept.subgroup) }));
}
