/** Gradients of a method's step: those of its loss, or what its gradient rule makes of them and of the gradients of other losses. */
import { Gradients, lossAndGradients, Tape } from '@mudpt/autograd';
import { eachTensor, scope, type Tensor, zeros } from '@mudpt/tensor';
import { MethodError } from './errors.ts';
import type { PromptMethod, StepLoss } from './method.ts';

type Learner = Pick<PromptMethod, 'name' | 'loss' | 'gradientRule'>;

/** Gradients of the loss, and of each guide by its name. */
export type GradientParts = { readonly loss: Gradients; readonly guides: ReadonlyMap<string, Gradients> };

/**
 * A forward pass, and a backward pass for the loss and each guide; fit to be captured.
 * @param images2 second views of the images, for a method that declares them
 * @throws MethodError where the loss comes without a guide that the rule names
 */
export function gradientParts(
  method: Learner,
  images: Tensor,
  labels: Tensor,
  images2?: Tensor,
): { readonly value: StepLoss; readonly parts: GradientParts } {
  const names = method.gradientRule?.guides ?? [];
  if (names.length === 0) {
    const { value, gradients } = lossAndGradients(() => method.loss(images, labels, images2));
    return { value, parts: { loss: gradients, guides: new Map() } };
  }
  using tape = new Tape({ listen: false });
  const value = tape.record(() => method.loss(images, labels, images2));
  try {
    const guides = new Map<string, Gradients>();
    for (const name of names) {
      const guide = value.guides?.[name];
      if (!guide)
        throw new MethodError(
          method.name,
          `its gradient rule names the guide "${name}", and its loss gives ${Object.keys(value.guides ?? {}).join(', ') || 'none'}`,
          'return every guide with the loss',
        );
      guides.set(name, tape.backwardAndKeep(guide));
    }
    return { value, parts: { loss: tape.backward(value.loss), guides } };
  } catch (error) {
    eachTensor(value, (tensor) => tensor.dispose());
    throw error;
  }
}

/** The gradients for the optimizer: for each parameter that the loss depends on, the rule's combination. */
export function combinedGradients({ gradientRule }: Learner, { loss, guides }: GradientParts): Gradients {
  if (!gradientRule) return loss;
  const combined = new Gradients();
  for (const [parameter, ofLoss] of loss)
    combined.set(
      parameter,
      scope(() => {
        const absent = (): Tensor => zeros(parameter.shape, { device: parameter.device, dtype: parameter.dtype });
        const ofGuides = [...guides].map(([name, of]) => [name, of.get(parameter) ?? absent()] as const);
        return gradientRule.combine(ofLoss, Object.fromEntries(ofGuides));
      }),
    );
  return combined;
}

/** The loss of a batch, and the gradients that a step of it gives the optimizer; fit to be captured. */
export function stepGradients(
  method: Learner,
  images: Tensor,
  labels: Tensor,
  images2?: Tensor,
): { readonly value: StepLoss; readonly gradients: Gradients } {
  const { value, parts } = gradientParts(method, images, labels, images2);
  return { value, gradients: combinedGradients(method, parts) };
}
