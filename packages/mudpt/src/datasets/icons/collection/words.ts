/** Icon names as words: without sizes, weights and other remarks about how a thing is drawn. */

/** Words about the drawing, not the thing. */
const STYLE_WORDS = new Set(
  (
    'outline outlined filled fill solid line linear bold duotone duo light thin broken regular rounded round sharp baseline twotone tone alt ' +
    'variant remix flat color colour colored stroke bulk freehand stickies pop print pencil24 negative px 16px 24px 12px 20px 32px 48px ' +
    'md ios simple minimalistic minimal expressive mini small medium large big full empty half sm lg xl tiny new old style one two three four five six ' +
    'seven eight nine ten bs bxs bx bxl icon icons symbol o s f w e n v the a an of with and for to'
  ).split(' '),
);

/** Containers around a thing. */
const CONTAINERS = new Set('circle square box rounded hexagon octagon badge shield-frame bubble frame'.split(' '));

/** Remarks about a thing that leave its drawing what it is. */
const DESCRIPTIONS = new Set(
  (
    'front side back profile head top bottom left right up down facing standing sitting closed open opened horizontal vertical alternate angle ' +
    'flying swimming isometric view vintage retro modern classic single double multiple group pair piece set tall short long wide ' +
    'hot cold fresh sliced slice male female silhouette public local animal animals food nature transport transportation travel weather sports sport ' +
    'kitchen pet pets wild emoji emojis item object off on blank plain ' +
    'high low straight center middle heavy extra super mobile desktop'
  ).split(' '),
);

export type IconWords = {
  /** What is left of the name, in order. */
  readonly words: readonly string[];
  /** Whether a word says that another thing surrounds it. */
  readonly isContained: boolean;
};

/** Splits an icon's name, in lower case with hyphens. */
export function wordsOf(name: string): IconWords {
  const parts = name
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .flatMap((part) => part.split(/(?<=\p{L})(?=\d)|(?<=\d)(?=\p{L})/u))
    .filter((part) => part !== '' && !/^\d+$/.test(part) && !STYLE_WORDS.has(part));
  const kept = parts.filter((part) => !CONTAINERS.has(part));
  return kept.length === 0 ? { words: parts, isContained: false } : { words: kept, isContained: kept.length < parts.length };
}

export const isDescription = (word: string): boolean => DESCRIPTIONS.has(word);

/** A word and what it is the plural of, perhaps. */
export function singulars(word: string): string[] {
  if (word.length < 4 || word.endsWith('ss')) return [word];
  if (word.endsWith('ies')) return [word, `${word.slice(0, -3)}y`, word.slice(0, -1)];
  if (word.endsWith('es')) return [word, word.slice(0, -1), word.slice(0, -2)];
  return word.endsWith('s') ? [word, word.slice(0, -1)] : [word];
}

/** Name of the drawing that an icon is a weight, a size or a filling of. */
export function drawingOf(name: string): string {
  return name
    .split('-')
    .filter((part) => !WEIGHTS.has(part) && !/^(10|12|16|20|24|28|32|48)(px)?$/u.test(part))
    .join('-');
}

/** Words for one drawing in several weights and fillings. */
const WEIGHTS = new Set(
  'outline outlined filled fill solid line linear bold duotone duo light thin broken regular rounded round sharp baseline twotone remix flat'.split(
    ' ',
  ),
);
