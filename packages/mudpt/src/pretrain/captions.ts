/** What is written about a drawing: from its label, its tags and its category, in words that never name a held-out concept. */
import type { Random } from '@mudpt/autograd';
import { CATEGORIES } from '../datasets/icons/categories.ts';
import { asWords } from '../datasets/icons/held-out.ts';
import type { Concept } from '../datasets/icons/manifest.ts';
import { ICON_TEMPLATE } from '../datasets/icons/sets.ts';

/** Half of the captions that name a category begin as the down-stream prompts do. */
const PROMPT = ICON_TEMPLATE.slice(0, ICON_TEMPLATE.indexOf('{}'));

/** Their other beginnings. */
const BEGINNINGS = ['a photo of a ', 'a picture of a ', 'a ', ''];

/** How often a caption names the category, the category with the label, the label; the rest names tags. */
const SHARES = { category: 0.6, both: 0.2, label: 0.12 } as const;

export class Captions {
  private readonly forbidden: readonly string[];
  private readonly tags = new Map<string, readonly string[]>();

  constructor(concepts: readonly Concept[], heldOut: readonly Concept[]) {
    this.forbidden = heldOut.map(({ label }) => asWords(label));
    for (const { id, tags } of concepts)
      this.tags.set(
        id,
        tags.filter((tag) => this.isAllowed(tag)),
      );
  }

  /** Whether a text names no held-out concept. */
  isAllowed(text: string): boolean {
    const words = asWords(text);
    return !this.forbidden.some((name) => words.includes(name));
  }

  /** How a batch's captions of categories begin: the same for all, so that equal categories are equal captions. */
  beginning(random: Random): string {
    return random() < 0.5 ? PROMPT : pick(BEGINNINGS, random);
  }

  /** A caption of a concept that pretraining sees. What matters comes first: long ones are cut. */
  draw(concept: Concept, beginning: string, random: Random): string {
    const label = concept.label.replace(/^flag: /, 'flag of ');
    const category = categoryWords(concept);
    const share = random();
    if (share < SHARES.category) return `${beginning}${category}.`;
    if (share < SHARES.category + SHARES.both) return `${category}, ${label}.`;
    const tags = this.tags.get(concept.id) ?? [];
    if (share < SHARES.category + SHARES.both + SHARES.label || tags.length === 0) return `${label}.`;
    const [one, other] = [pick(tags, random), pick(tags, random)];
    const both = `${one} ${other}`;
    return one === other || !this.isAllowed(both) ? `${one}.` : `${both}.`;
  }

  /** Every word that may be written, for the vocabulary. */
  *all(concepts: readonly Concept[]): Generator<string> {
    yield* CATEGORIES.map(({ name }) => name);
    yield* [PROMPT, ...BEGINNINGS];
    for (const concept of concepts) yield [concept.label, categoryWords(concept), ...concept.tags].join(', ');
  }
}

/** The class's name, or the subgroup's for what belongs to no class. */
export function categoryWords({ category, subgroup }: Concept): string {
  return category === undefined ? subgroup.replaceAll('-', ' ') : (CATEGORIES[category]?.name ?? subgroup);
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[Math.floor(random() * list.length)] as T;
}
