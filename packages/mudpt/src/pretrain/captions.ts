/** What is written about a drawing: from its label, its tags, its kind and its class, in words that never name a held-out concept. */
import type { Random } from '@mudpt/autograd';
import { CATEGORIES } from '../datasets/icons/concepts/categories.ts';
import { classNames, classOfKind } from '../datasets/icons/concepts/classes.ts';
import type { Subject } from '../datasets/icons/collection/match.ts';
import { asWords } from '../datasets/icons/concepts/held-out.ts';
import type { Concept } from '../datasets/icons/concepts/manifest.ts';
import { ICON_TEMPLATE } from '../datasets/icons/sets.ts';

/** Half of the captions that name a category begin as the down-stream prompts do. */
const PROMPT = ICON_TEMPLATE.slice(0, ICON_TEMPLATE.indexOf('{}'));

/** Their other beginnings. */
const BEGINNINGS = ['a photo of a ', 'a picture of a ', 'a ', ''];

/** How often a caption names the category, the category with the label, the label; the rest names tags. */
const SHARES = { category: 0.6, both: 0.2, label: 0.12 } as const;

/** What the captions of one batch have in common, so that equal categories are equal captions. */
export type CaptionStyle = {
  /** How captions of categories begin. */
  readonly beginning: string;
  /** Whether categories are the classes of the down-stream sets; else the finer kinds. */
  readonly namesClasses: boolean;
};

export class Captions {
  private readonly forbidden: readonly string[];
  private readonly tags = new Map<string, readonly string[]>();

  constructor(heldOut: readonly Concept[]) {
    this.forbidden = heldOut.map(({ label }) => asWords(label));
  }

  /** Whether a text names no held-out concept. */
  isAllowed(text: string): boolean {
    const words = asWords(text);
    return !this.forbidden.some((name) => words.includes(name));
  }

  /** The style of a batch's captions. */
  beginning(random: Random): CaptionStyle {
    const namesClasses = random() < 0.5;
    return { namesClasses, beginning: random() < 0.5 ? PROMPT : pick(BEGINNINGS, random) };
  }

  /** A caption of what pretraining sees. What matters comes first: long ones are cut. */
  draw(subject: Subject, style: CaptionStyle, random: Random): string {
    const { label } = subject;
    const category = categoryIn(subject, style.namesClasses);
    const share = random();
    if (share < SHARES.category || label === category) return this.ofCategory(subject, style);
    if (share < SHARES.category + SHARES.both) return `${category}, ${label}.`;
    const tags = this.tagsOf(subject);
    if (share < SHARES.category + SHARES.both + SHARES.label || tags.length === 0) return `${label}.`;
    const [one, other] = [pick(tags, random), pick(tags, random)];
    const both = `${one} ${other}`;
    return one === other || !this.isAllowed(both) ? `${one}.` : `${both}.`;
  }

  /** The caption that names the category and nothing else, which is true of everything in it. */
  ofCategory(subject: Subject, { beginning, namesClasses }: CaptionStyle): string {
    return `${beginning}${categoryIn(subject, namesClasses)}.`;
  }

  /** Every word that may be written about these, for the vocabulary. */
  *all(subjects: Iterable<Subject>): Generator<string> {
    yield* CATEGORIES.map(({ name }) => name);
    yield* classNames;
    yield* [PROMPT, ...BEGINNINGS];
    for (const subject of subjects) yield [subject.label, categoryWords(subject), ...subject.tags].join(', ');
  }

  private tagsOf({ key, tags }: Subject): readonly string[] {
    const known = this.tags.get(key);
    if (known) return known;
    const allowed = tags.filter((tag) => this.isAllowed(tag));
    this.tags.set(key, allowed);
    return allowed;
  }
}

/** The kind's name, or CLDR's subgroup for what is of no kind. */
export function categoryWords({ kind, concept }: Pick<Subject, 'kind' | 'concept'>): string {
  return kind ?? concept?.subgroup.replaceAll('-', ' ') ?? 'symbol';
}

const categoryIn = (subject: Subject, namesClasses: boolean): string =>
  (namesClasses ? className(subject) : undefined) ?? categoryWords(subject);

function className({ kind }: Pick<Subject, 'kind'>): string | undefined {
  const label = classOfKind(kind);
  return label === undefined ? undefined : classNames[label];
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[Math.floor(random() * list.length)] as T;
}
