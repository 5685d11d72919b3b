/** A CLIP as it is, as a prompt method that learns nothing; and teachers made of prompt methods. */
import type { MethodContext, PromptMethod, Teacher } from '../method/method.ts';
import { LearntPrompts } from './learner.ts';
import { PromptedClip } from './prompted.ts';
import { textTemplate } from './texts/prompt-template.ts';

/** Zero-shot classification with the data set's template. */
export function frozenClip(context: MethodContext): PromptMethod {
  return new PromptedClip('frozen', context, new LearntPrompts({ parameters: {} }, new Map()), textTemplate(context.tokenizer));
}

/** @param release of the model, once the method is disposed */
export function teacherOf(
  name: string,
  method: PromptMethod,
  { release, ...sizes }: Pick<Teacher, 'embed' | 'bytes'> & { readonly release?: () => void },
): Teacher {
  let isOpen = true;
  const dispose = (): void => {
    if (!isOpen) return;
    isOpen = false;
    method.dispose();
    release?.();
  };
  return { name, method, ...sizes, dispose };
}
