/** Concepts of icons, from their code points or names. */

const PRESENTATION = new Set(['FE0F', 'FE0E']);
const SKIN = /^1F3F[B-F]$/;
/** After a joiner: female, male, facing right. */
const VARIANT_SIGNS = new Set(['2640', '2642', '27A1']);
const MAN_OR_WOMAN = new Set(['1F468', '1F469']);

/**
 * The concept of a code point sequence ("1F468-1F3FB-200D-1F33E"): without presentation selectors, skin tones, gender and direction; men
 * and women are persons. Variants of one thing have the same key.
 */
export function conceptKey(hexcode: string): string {
  const points = hexcode
    .toUpperCase()
    .split(/[-_ ]/u)
    .filter((point) => !PRESENTATION.has(point) && !SKIN.test(point));
  const kept: string[] = [];
  for (let at = 0; at < points.length; at++) {
    const point = points[at] as string;
    if (point === '200D' && VARIANT_SIGNS.has(points[at + 1] ?? '')) at++;
    else kept.push(MAN_OR_WOMAN.has(point) ? '1F9D1' : point);
  }
  return kept.join('-');
}

/** Letters and digits only, without accents: "T-Rex" and "trex" are the same name. */
export function squeeze(name: string): string {
  return name
    .toLowerCase()
    .normalize('NFD')
    .replace(/[^a-z0-9]/gu, '');
}

/** Whether an icon's name says that it is a skin tone of another one. */
export function isSkinTone(name: string): boolean {
  return /-skin-tone|-tone-?\d|-(light|medium-light|medium|medium-dark|dark)$/u.test(name);
}

/** Sets name flags in their own ways: "flag-for-flag-chad", "flag-for-chad", "flag-chad". */
export function flagName(name: string): string {
  return name.replace(/^flag-for-(flag-)?/u, 'flag-');
}
