/** Everything that training and evaluation read: drawings, captions, tokenizer, validation images. */
import { createTokenizer, reduceVocabulary, type ReducedVocabulary, type Tokenizer } from '@mudpt/clip';
import { loadDrawings } from '../datasets/icons/drawings.ts';
import { heldOutConcepts, splitOf } from '../datasets/icons/held-out.ts';
import { type Concept, readManifest } from '../datasets/icons/manifest.ts';
import { heldOutStyles, seenStyles } from '../datasets/icons/styles.ts';
import { VIEW } from '../datasets/icons/view.ts';
import { Captions } from './captions.ts';
import { type Probe, renderProbes } from './evaluate.ts';
import type { Recipe } from './recipe.ts';
import type { Subject } from './batches.ts';
import { subjectsOf } from './subjects.ts';

export type Material = {
  /** How many there are. */
  readonly drawings: number;
  readonly subjects: readonly Subject[];
  readonly captions: Captions;
  readonly vocabulary: ReducedVocabulary;
  readonly tokenizer: Tokenizer;
};

export type MaterialOptions = {
  /** package.json of the folder where the icon packages are installed. */
  readonly from: string | URL;
  /** Folder for rendered drawings. */
  readonly cache: string;
  /** Default: all seen styles. */
  readonly styles?: readonly string[];
  /** Every n-th concept only. */
  readonly every?: number;
};

/** The concepts that pretraining sees and those it does not. */
export async function dealtConcepts(): Promise<{ all: Concept[]; seen: Concept[]; heldOut: Concept[] }> {
  const all = await readManifest();
  const heldOut = heldOutConcepts(all).flat();
  const ids = new Set(heldOut.map(({ id }) => id));
  return { all, seen: all.filter(({ id }) => !ids.has(id)), heldOut };
}

/** Renders what is pretrained on. */
export async function prepareMaterial(
  recipe: Recipe,
  { from, cache, styles = seenStyles, every = 1 }: MaterialOptions,
): Promise<Material> {
  const { all, seen, heldOut } = await dealtConcepts();
  const chosen = seen.filter((_, index) => index % every === 0);
  const { side, variants } = recipe;
  const drawings = await loadDrawings({ concepts: chosen, styles, side, variants, from, cache });
  const captions = new Captions(seen, heldOut);
  // The vocabulary has the held-out names too, or a class could not be asked for by its name; only their rows are never learnt.
  const vocabulary = await reduceVocabulary(captions.all(all), recipe.everydayMerges);
  const tokenizer = await createTokenizer({ vocabulary: { vocabJson: vocabulary.vocab, mergesText: vocabulary.merges } });
  const pixels = drawings.map((drawing) => ({ ...drawing, kind: 'rgba' as const }));
  const subjects = subjectsOf(pixels, captions, recipe);
  return { drawings: drawings.length, subjects, captions, vocabulary, tokenizer };
}

/** Which images to evaluate on. */
export type ProbeSet = {
  readonly styles: 'seen' | 'held-out' | readonly string[];
  /** Held-out concepts of the validation half (their training and validation splits) or of the test, or seen concepts. */
  readonly concepts: 'validation' | 'test' | 'seen' | 'all';
  /** Also images of concepts that belong to no class. */
  readonly withoutClass?: boolean;
  /** Every n-th image only. */
  readonly every?: number;
};

/** Images of a set, as the down-stream sets show them. */
export async function probesOf(
  { styles, concepts, withoutClass = false, every = 1 }: ProbeSet,
  from: string | URL,
): Promise<Probe[]> {
  const all = await readManifest();
  const halves = new Map<string, string>();
  for (const list of heldOutConcepts(all))
    for (const [position, { id }] of list.entries()) halves.set(id, splitOf(position) === 'test' ? 'test' : 'validation');
  const wanted = all.filter(
    ({ id, category }) =>
      (withoutClass || category !== undefined) && (concepts === 'all' || (halves.get(id) ?? 'seen') === concepts),
  );
  const chosen = styles === 'seen' ? seenStyles : styles === 'held-out' ? heldOutStyles : styles;
  const list = chosen.flatMap((style) =>
    wanted.flatMap(({ icons, label, category }) =>
      (icons[style] ?? []).slice(0, 1).map((icon) => ({ style, icon, label: category ?? -1, caption: `${label}.` })),
    ),
  );
  return renderProbes(
    list.filter((_, index) => index % every === 0),
    VIEW,
    from,
  );
}
