/** What an icon shows, by its name: a concept of CLDR, or a kind of thing and the words for it. Precise rather than complete. */
import { kindOf } from '../concepts/classes.ts';
import { asWords } from '../concepts/held-out.ts';
import type { Concept } from '../concepts/manifest.ts';
import { squeeze } from '../concepts/names.ts';
import { LEXICON } from './lexicon.ts';
import { isDescription, singulars, wordsOf } from './words.ts';

/** A thing that is drawn. */
export type Subject = {
  /** The same for all drawings of one thing. */
  readonly key: string;
  /** What it is called. */
  readonly label: string;
  readonly tags: readonly string[];
  /** What kind of thing it is, if it is of a kind with a class or category. */
  readonly kind: string | undefined;
  readonly concept: Concept | undefined;
};

/** Remarks in interfaces, drawn small beside the thing. */
const MARKS = new Set(
  'add plus minus check remove cancel edit alert lock search settings share refresh sync slash delete info'.split(' '),
);

/** Kinds whose words after another, unknown word mean something else too often ("clock face", "second hand"). */
const WHOLE_ONLY = new Set([
  'face',
  'hand',
  'shape',
  'sign',
  'media button',
  'arrow',
  'body part',
  'game',
  'heart',
  'religious symbol',
  'clock',
  'mail',
  'zodiac sign',
  'word button',
  'flag',
  'moon',
]);

/** What these words mean in the names of emoji they do not mean in other sets' names. */
const AMBIGUOUS = new Set([
  'window',
  'seat',
  'label',
  'link',
  'chains',
  'satellite',
  'wood',
  'rock',
  'brick',
  'wing',
  'key',
  'cinema',
  'bug',
  'information',
  'cancer',
  'paper plane',
]);

/** Phrases that say something else than the words in them. */
const MISLEADING = [
  'pie chart',
  'menu',
  'field',
  'fields',
  'full screen',
  'fullscreen',
  'piggy',
  'savings',
  'git',
  'repo',
  'satellite dish',
  'direction',
  'turn',
  'vr headset',
  'file tree',
  'list tree',
  'folder tree',
  'tree view',
  'tree structure',
  'tree diagram',
  'tree list',
  'family tree',
  'text',
  'caps',
  'case',
  'pac man',
  'pacman',
  'logo',
  'brand',
  'google',
  'apple pay',
  'node',
  'data',
  'code',
  'chart',
  'graph',
  'axis',
  'layout',
  'grid',
  'align',
  'format',
  'list',
  'table view',
  'app',
  'cursor',
  'memory',
  'text box',
  'border',
  'swift',
  'firefox',
  'android',
  'ios',
  'safari',
  'mode',
  'radio button',
  'pulse',
  'rate',
  'zodiac',
  'keyboard key',
].map((phrase) => ` ${phrase} `);

/** Words that interfaces put into drawings of something else ("movie star", "desktop cloud"). */
const WHOLE_PHRASES = new Set(
  'star cloud fire sun wave trash lightning window user person account people circle bookmark folder file document calendar bell gear cog shield phone camera key note notes music tools'.split(
    ' ',
  ),
);

export class IconMatcher {
  private readonly kinds = new Map<string, string>();
  private readonly concepts = new Map<string, Concept>();
  private readonly emoji = new Map<string, Concept>();
  /** Names of held-out concepts by their first word. */
  private readonly forbidden = new Map<string, readonly string[][]>();

  constructor(concepts: readonly Concept[], heldOut: readonly Concept[]) {
    const ids = new Set(heldOut.map(({ id }) => id));
    const seen = concepts.filter(({ id }) => !ids.has(id));
    for (const [kind, phrases] of Object.entries(LEXICON)) for (const phrase of phrases.split(', ')) this.kinds.set(phrase, kind);
    for (const concept of seen) {
      const kind = kindOf(concept);
      const label = asWords(concept.label).trim();
      if (kind === undefined || AMBIGUOUS.has(label)) continue;
      if (!this.kinds.has(label)) this.kinds.set(label, kind);
      if (this.kinds.get(label) === kind && !this.concepts.has(label)) this.concepts.set(label, concept);
    }
    // The first to have a name is right: labels before the names that sets give.
    for (const { names, concept } of concepts
      .map((one) => ({ names: [one.label], concept: one }))
      .concat(concepts.map((one) => ({ names: Object.values(one.icons).flat(), concept: one }))))
      for (const name of names) if (!this.emoji.has(squeeze(name))) this.emoji.set(squeeze(name), concept);
    const labels = new Set(concepts.map(({ label }) => asWords(label).trim()));
    for (const { label } of heldOut) {
      const name = asWords(label).trim();
      const [, ...others] = singulars(name);
      for (const text of [name, ...others.filter((other) => !labels.has(other))]) {
        const words = text.split(' ');
        const first = words[0] as string;
        this.forbidden.set(first, [...(this.forbidden.get(first) ?? []), words]);
      }
    }
  }

  /** Whether a name or caption names a held-out concept, in the singular or plural. */
  namesHeldOut(text: string): boolean {
    const forms = asWords(text).trim().split(' ').map(singulars);
    return forms.some((form, start) =>
      form.some((first) =>
        this.forbidden.get(first)?.some((name) => name.every((word, index) => forms[start + index]?.includes(word) ?? false)),
      ),
    );
  }

  /** The concept of an emoji set's icon. */
  emojiOf(name: string): Subject | undefined {
    const plain = name.replace(/-\d+$/u, '');
    const concept = this.emoji.get(squeeze(name)) ?? this.emoji.get(squeeze(plain));
    return concept && subjectOf(concept);
  }

  /** What another set's icon shows. */
  match(name: string): Subject | undefined {
    const { words } = wordsOf(name);
    const text = asWords(name);
    if (MISLEADING.some((phrase) => text.includes(phrase))) return undefined;
    const found = this.said(words);
    // A number or a letter in a shape is what counts.
    return found?.kind === 'shape' && !found.concept && /(^|-)([a-z]|\d+)(-|$)/u.test(name) ? undefined : found;
  }

  private said(words: readonly string[]): Subject | undefined {
    const rest = words.filter((word, index) => !(MARKS.has(word) && (index === 0 || index === words.length - 1)));
    return this.whole(words) ?? this.whole(rest) ?? this.trimmed(rest);
  }

  /** A phrase that is all the words. */
  private whole(words: readonly string[]): Subject | undefined {
    if (words.length === 0) return undefined;
    const last = words.at(-1) as string;
    for (const form of singulars(last)) {
      const phrase = [...words.slice(0, -1), form].join(' ');
      const concept = this.concepts.get(phrase);
      if (concept) return subjectOf(concept);
      const kind = this.kinds.get(phrase);
      if (kind !== undefined) return { key: `${kind}/${phrase}`, label: phrase, tags: [], kind, concept: undefined };
    }
    return undefined;
  }

  /** The longest phrase at the start whose other words describe it; else at the end after one other word. */
  private trimmed(words: readonly string[]): Subject | undefined {
    const first = words.findIndex((word) => !isDescription(word));
    if (first < 0) return undefined;
    const last = words.findLastIndex((word) => !isDescription(word));
    const core = words.slice(first, last + 1);
    const found = this.whole(core);
    if (found) return { ...found, label: found.concept ? found.label : core.join(' ') };
    for (let length = core.length - 1; length > 0 && core.length - length <= 1; length--) {
      const head = this.whole(core.slice(-length));
      if (!head?.kind || WHOLE_ONLY.has(head.kind) || WHOLE_PHRASES.has(head.label)) continue;
      const others = core.slice(0, -length);
      const isClear = others.every((word) => {
        const kind = singulars(word)
          .map((form) => this.kinds.get(form))
          .find((one) => one !== undefined);
        return kind === undefined || kind === head.kind;
      });
      if (isClear)
        return { key: `${head.kind}/${head.label}`, label: core.join(' '), tags: [], kind: head.kind, concept: undefined };
    }
    return undefined;
  }
}

export function subjectOf(concept: Concept): Subject {
  const { id, label, tags } = concept;
  return { key: id, label: label.replace(/^flag: /, 'flag of '), tags, kind: kindOf(concept), concept };
}
