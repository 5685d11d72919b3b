/** Groups of texts that run at once: no more tokens than a binding of the device holds, or one group for each micro-batch. */
import type { Device } from '@mudpt/tensor';
import type { PromptIds } from './prompt-ids.ts';

export type Grouping = {
  /** Number of groups; 0: as few as `limit` allows. */
  readonly groups: number;
  /** Most tokens of a group, padding included; one text may have more. */
  readonly limit: number;
  /** Tokens of the shared prefix, which a packed group has once; undefined: texts are padded to the longest of their group, or to `length`. */
  readonly shared: number | undefined;
  readonly length: number;
};

/** Tokens whose widest intermediate, f32 [tokens, hidden], fits into one storage binding. */
export function mostTokens({ limits }: Device, hidden: number): number {
  return Math.floor(Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize) / (4 * hidden));
}

/** Consecutive texts in groups whose largest is as small as can be. */
export function groupTexts(texts: readonly PromptIds[], grouping: Grouping): PromptIds[][] {
  const { groups, limit } = grouping;
  let [low, high] = [groups > 0 ? 1 : limit, limit];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (filled(texts, middle, grouping).length <= groups) high = middle;
    else low = middle + 1;
  }
  return filled(texts, low, grouping);
}

/** Fills groups of at most `most` tokens, in the texts' order; a group has at least one text. */
function filled(texts: readonly PromptIds[], most: number, { shared, length }: Grouping): PromptIds[][] {
  const groups: PromptIds[][] = [];
  let group: PromptIds[] = [];
  const after = shared ?? 0;
  let [packed, longest] = [0, length];
  for (const text of texts) {
    packed += text.length - after;
    longest = Math.max(longest, text.length);
    const tokens = shared === undefined ? (group.length + 1) * longest : after + packed;
    if (group.length > 0 && tokens <= most) group.push(text);
    else {
      group = [text];
      groups.push(group);
      packed = text.length - after;
      longest = Math.max(length, text.length);
    }
  }
  return groups;
}
