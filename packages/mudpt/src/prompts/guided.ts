/** Prompted CLIP whose loss also reads frozen text features of its classes: the base of methods that stay near the model they began from. */
import type { Tensor } from '@mudpt/tensor';
import { MethodError } from '../method/errors.ts';
import type { MethodContext } from '../method/method.ts';
import type { PromptLearner } from './learner.ts';
import { PromptedClip } from './prompted.ts';
import type { PromptTemplate } from './texts/prompt-template.ts';

/** The base of methods whose loss also reads frozen text features of the classes. */
export abstract class GuidedClip extends PromptedClip {
  /** Undefined: for evaluation on other classes only. */
  private readonly frozen: Tensor | undefined;

  /**
   * @param frozenTexts computes the frozen features of the context's classes, [C, embed] or some rows for each class, once; the tensor is disposed with the method.
   * Undefined: for other classes, on which it is not trained; then the learner stays the first method's
   */
  constructor(
    name: string,
    context: MethodContext,
    learner: PromptLearner,
    template: PromptTemplate,
    frozenTexts: ((context: MethodContext) => Tensor) | undefined,
  ) {
    super(name, context, learner, template, { owns: frozenTexts !== undefined });
    try {
      this.frozen = frozenTexts?.(context);
    } catch (error) {
      super.dispose();
      throw error;
    }
  }

  /** Frozen text features, as they were computed. @throws MethodError in a method for other classes */
  protected get frozenTexts(): Tensor {
    if (this.frozen) return this.frozen;
    throw new MethodError(
      this.name,
      'its loss needs the frozen features of texts of its classes, which one for other classes does not have',
      'create the method for these classes to train it on them',
    );
  }

  override dispose(): void {
    super.dispose();
    this.frozen?.dispose();
  }
}
