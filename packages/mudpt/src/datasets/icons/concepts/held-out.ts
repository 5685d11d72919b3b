/** Held-out concepts, which pretraining never uses, and their splits in `icons-concepts`. */
import { CATEGORIES } from './categories.ts';
import type { Concept } from './manifest.ts';
import { seenStyles } from '../sources/styles.ts';

/** Share of every class's concepts, between the least and the most. */
const SHARE = 0.3;
const LEAST = 4;
const MOST = 15;

/** Lower case words with single spaces around them, so that a phrase is found by its whole words only. */
export function asWords(text: string): string {
  return ` ${
    text
      .toLowerCase()
      .match(/[\p{L}\p{N}#*+!?]+/gu)
      ?.join(' ') ?? ''
  } `;
}

/** A fixed arbitrary number for a text (FNV-1a): the order of drawing lots does not change when concepts are added. */
export function lot(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) as number), 0x01000193) >>> 0;
  // FNV's high bits hardly depend on the last characters: mix them once more.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 12)) >>> 0;
}

/**
 * The held-out concepts of every class, in a fixed arbitrary order. Only concepts whose name is no part of another's ("dog" is, of
 * "hot dog") and of no class name can be: otherwise their name would have to vanish from other captions. They are drawn in two seen
 * styles at least.
 */
export function heldOutConcepts(concepts: readonly Concept[]): Concept[][] {
  const names = concepts.map(({ label }) => asWords(label));
  const classes = CATEGORIES.map(({ name }) => asWords(name));
  return CATEGORIES.map((_, category) => {
    const members = concepts.filter((concept) => concept.category === category);
    const eligible = members.filter(({ label, icons }) => {
      const words = asWords(label);
      const inOthers = names.filter((name) => name.includes(words)).length > 1 || classes.some((name) => name.includes(words));
      return !inOthers && seenStyles.filter((style) => icons[style]).length >= 2;
    });
    const count = Math.min(MOST, Math.max(LEAST, Math.round(SHARE * members.length)));
    return eligible.sort((a, b) => lot(a.id) - lot(b.id)).slice(0, count);
  });
}

/** 2 in 5 of a class's held-out concepts are for training, 1 for validation, 2 for the test. */
export function splitOf(position: number): 'train' | 'val' | 'test' {
  return (['test', 'train', 'val', 'test', 'train'] as const)[position % 5] ?? 'test';
}
