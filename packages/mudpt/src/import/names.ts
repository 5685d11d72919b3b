/** Names in released state dicts: what was learnt, what the authors' loaders drop, and the frozen CLIP beside it. */

/** Class-name embeddings: saved by the authors' learners and dropped by their loaders, so that prompts move to other classes. */
const DROPPED = /(^|\.)token_(prefix|suffix)$/;

/** Prefixes of CLIP's weights in the authors' modules, with OpenAI's prefixes. The last is PromptSRC's frozen copy. */
const FROZEN: readonly (readonly [prefix: string, openai: string])[] = [
  ['prompt_learner.ZS_image_encoder.', 'visual.'],
  ['image_encoder.', 'visual.'],
  ['text_encoder.', ''],
];

export type Role =
  | { readonly kind: 'dropped' }
  | { readonly kind: 'frozen'; readonly weight: string }
  | { readonly kind: 'learnt' };

/** What a tensor of these names is; `learnt` is everything that is neither dropped nor, by its name, a weight of CLIP. */
export function roleOf(name: string, isWeight: (openai: string) => boolean): Role {
  if (DROPPED.test(name)) return { kind: 'dropped' };
  const candidates = [
    name,
    ...FROZEN.flatMap(([prefix, openai]) => (name.startsWith(prefix) ? [openai + name.slice(prefix.length)] : [])),
  ];
  const weight = candidates.find(isWeight);
  return weight === undefined ? { kind: 'learnt' } : { kind: 'frozen', weight };
}

/**
 * Full names by the names in a file. CoOp and CoCoOp save the prompt learner alone, so its prefix is missing there; DataParallel puts
 * `module.` before all.
 */
export function fullNames(inFile: Iterable<string>): Map<string, string> {
  const names = [...inFile];
  const bare = names.every((name) => name.startsWith('module.')) ? 'module.' : '';
  const isLearnerAlone = names.includes(`${bare}ctx`);
  return new Map(names.map((name) => [`${isLearnerAlone ? 'prompt_learner.' : ''}${name.slice(bare.length)}`, name]));
}
