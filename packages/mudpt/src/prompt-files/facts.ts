/** The contents of `prompts.json`: the base model that the prompts belong to, the method with all settings, and the classes. */
import { FormatError } from '@mudpt/tensor';
import * as z from 'zod';

export const PROMPT_FORMAT = 2;
/** Limits that no data set reaches, on the number and the length of class names. */
const MOST = { classes: 100_000, text: 10_000 };
const text = z.string().max(MOST.text);
const extent = z.int().nonnegative().max(1e9);

const schema = z.object({
  format: z.literal(PROMPT_FORMAT),
  method: text,
  /** Settings of the method, complete. */
  settings: z.record(z.string(), z.unknown()),
  /** The base model, the only one that the prompts fit. */
  model: z.object({ name: text, hash: z.string(), embed: extent }),
  data: text,
  template: text,
  /** Names of the classes trained on, by label. */
  classNames: z.array(text).min(1).max(MOST.classes),
  /** Sentences about each class, by label, where frozen texts were made of them. */
  descriptions: z.array(z.array(text).min(1)).optional(),
  shots: z.union([z.literal('all'), z.int().positive().max(1e9)]),
  seed: z.int().nonnegative(),
  /** Shape by name, as in prompts.safetensors, and that file's SHA-256 of itself. */
  tensors: z.record(z.string(), z.array(extent)),
  tensorsHash: z.string(),
  /** Photographs were turned upright by the camera's tag; absent: pixels as they are stored. */
  exif: z.literal('apply').optional(),
  /** Hyper-parameters that fitting chose. */
  chosen: z.record(z.string(), z.number()).optional(),
  /** What logits are divided by before they become probabilities, fitted on validation images; absent where there were none. */
  temperature: z.number().positive().optional(),
  /** Accuracies on the test images, in percent. */
  accuracy: z.object({ zeroShot: z.number(), tuned: z.number() }).optional(),
});

/** The contents of `prompts.json`. */
export type PromptFacts = z.infer<typeof schema>;

/** The part that the caller of a writer gives; format and tensors follow from what is written. */
export type PromptDescription = Omit<PromptFacts, 'format' | 'tensors' | 'tensorsHash'>;

/** @throws FormatError naming the file and the entry that is missing or wrong */
export function checkPromptFacts(value: unknown, name: string, fix: string): PromptFacts {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  throw new FormatError(
    'prompts',
    `${name} is no prompt file of this program (${issue?.path.join('.')}: ${issue?.message})`,
    fix,
    { code: 'prompts.none', values: { name } },
  );
}
