/** Everything that training and evaluation read: drawings, captions, tokenizer, validation images. */
import { createTokenizer, reduceVocabulary, type ReducedVocabulary, type Tokenizer } from '@mudpt/clip';
import { classOf } from '../datasets/icons/concepts/classes.ts';
import { chooseIcons } from '../datasets/icons/collection/choose.ts';
import { IconMatcher, subjectOf } from '../datasets/icons/collection/match.ts';
import { COLLECTION, type CollectionSet } from '../datasets/icons/sources/collection.ts';
import { CopyDetector } from '../datasets/icons/collection/near-duplicates.ts';
import { type Drawing, type DrawingOptions, type IconChoice, loadDrawings } from '../datasets/icons/collection/drawings.ts';
import { heldOutConcepts, splitOf } from '../datasets/icons/concepts/held-out.ts';
import { type Concept, readManifest } from '../datasets/icons/concepts/manifest.ts';
import { heldOutStyles, seenStyles, STYLES } from '../datasets/icons/sources/styles.ts';
import { VIEW } from '../datasets/icons/rendering/view.ts';
import { Captions } from './captions.ts';
import { type Probe, renderProbes } from './evaluate.ts';
import type { Recipe } from './recipe.ts';

export type Material = {
  readonly drawings: readonly Drawing[];
  readonly captions: Captions;
  readonly vocabulary: ReducedVocabulary;
  readonly tokenizer: Tokenizer;
};

export type MaterialOptions = {
  /** package.json of the folder where the icon packages are installed. */
  readonly from: string | URL;
  /** Folder for rendered drawings. */
  readonly cache: string;
  /** Styles of emoji; default: all seen ones. */
  readonly styles?: readonly string[];
  /** Other sets; default: all there are. */
  readonly collection?: readonly CollectionSet[];
  /** Styles of which no copy may be among the drawings; default: all held-out ones. */
  readonly originals?: readonly string[];
  /** Every n-th thing only. */
  readonly every?: number;
};

/** The concepts that pretraining sees and those it does not. */
export async function dealtConcepts(): Promise<{ all: Concept[]; seen: Concept[]; heldOut: Concept[] }> {
  const all = await readManifest();
  const heldOut = heldOutConcepts(all).flat();
  const ids = new Set(heldOut.map(({ id }) => id));
  return { all, seen: all.filter(({ id }) => !ids.has(id)), heldOut };
}

/** Which icons are pretrained on. */
export async function chosenIcons(
  { variants, recoloured = false }: Pick<Recipe, 'variants' | 'recoloured'>,
  { from, styles = seenStyles, collection = COLLECTION, every = 1 }: Omit<MaterialOptions, 'cache'>,
): Promise<IconChoice[]> {
  const { all, seen, heldOut } = await dealtConcepts();
  const matcher = new IconMatcher(all, heldOut);
  const choices: IconChoice[] = styles.flatMap((style) =>
    seen.flatMap((concept) =>
      (concept.icons[style] ?? []).slice(0, variants).map((icon, index) => ({
        subject: subjectOf(concept),
        style,
        // Gender variants are drawn much like the plain icon, so that one of them with lines is enough.
        icons: index === 0 ? [icon, `${icon}#outlined`, `${icon}#lines`, ...(recoloured ? [`${icon}#recoloured`] : [])] : [icon],
      })),
    ),
  );
  for (const set of collection) choices.push(...(await chooseIcons(set, matcher, { from, variants })));
  const keys = [...new Set(choices.map(({ subject }) => subject.key))];
  const kept = new Set(keys.filter((_, index) => index % every === 0));
  return choices.filter(({ subject }) => kept.has(subject.key));
}

/** Drawings in held-out styles, copies of which would give away what is measured. */
function copiesOf(styles: readonly string[], all: readonly Concept[], options: DrawingOptions): DrawingOptions['without'] {
  const choices = styles.flatMap((style) =>
    all.flatMap((concept) => (concept.icons[style] ?? []).map((icon) => ({ subject: subjectOf(concept), style, icons: [icon] }))),
  );
  return {
    name: `copies of ${styles.join(', ')}`,
    detector: async () => {
      const originals = await loadDrawings(choices, options);
      const detector = new CopyDetector(
        originals.flatMap(({ renderings }) => renderings),
        options.side,
      );
      return (rendering) => detector.isCopy(rendering);
    },
  };
}

/** Renders what is pretrained on. */
export async function prepareMaterial(recipe: Recipe, options: MaterialOptions): Promise<Material> {
  const { all, heldOut } = await dealtConcepts();
  const choices = await chosenIcons(recipe, options);
  const versions = new Map([...STYLES, ...COLLECTION].map(({ name, version }) => [name, version]));
  const rendering = { ...options, side: recipe.side, versions };
  const without = copiesOf(options.originals ?? heldOutStyles, all, rendering);
  const drawings = await loadDrawings(choices, { ...rendering, without });
  const captions = new Captions(heldOut);
  const subjects = [...new Map(drawings.map(({ subject }) => [`${subject.key} ${subject.label}`, subject])).values()];
  // The vocabulary has the held-out names too, or a class could not be asked for by its name; only their rows are never learnt.
  const vocabulary = await reduceVocabulary(captions.all([...all.map(subjectOf), ...subjects]), recipe.everydayMerges);
  const tokenizer = await createTokenizer({ vocabulary: { vocabJson: vocabulary.vocab, mergesText: vocabulary.merges } });
  return { drawings, captions, vocabulary, tokenizer };
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
    (concept) =>
      (withoutClass || classOf(concept) !== undefined) && (concepts === 'all' || (halves.get(concept.id) ?? 'seen') === concepts),
  );
  const chosen = styles === 'seen' ? seenStyles : styles === 'held-out' ? heldOutStyles : styles;
  const list = chosen.flatMap((style) =>
    wanted.flatMap((concept) =>
      (concept.icons[style] ?? [])
        .slice(0, 1)
        .map((icon) => ({ style, icon, label: classOf(concept) ?? -1, caption: `${concept.label}.` })),
    ),
  );
  return renderProbes(
    list.filter((_, index) => index % every === 0),
    VIEW,
    from,
  );
}
