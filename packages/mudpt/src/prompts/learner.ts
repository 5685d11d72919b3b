/** Prompt learners: the learnt tensors and their map to the prompt tokens of both towers, the part in which methods differ. */
import { parameter } from '@mudpt/autograd';
import { cat, reshape, select, type Tensor } from '@mudpt/tensor';
import { MethodError } from '../method/errors.ts';
import type { CreationContext, LayerTokens, TowerAdapters, TowerPrompts } from '../method/method.ts';
import type { ParameterShapes, PromptSpec, TextPromptSpec, TowerPromptSpec } from '../method/prompt-spec.ts';
import { randomPrompts } from './initial.ts';

/** What is learnt, and how prompt tokens come from it. */
export interface PromptLearner {
  readonly spec: PromptSpec;
  /** The tensors of `spec.parameters`, by the authors' names. */
  readonly learnable: ReadonlyMap<string, Tensor>;
  /** Called once in a forward, in its scope. Undefined: the tokens depend on the image, and the method's class computes them. */
  prompts(): TowerPrompts | undefined;
  /**
   * Additions to the blocks of the towers; absent: none. They read parameters only, because a block may run again in the backward.
   * @param use `learn`: in a loss; `apply`: in a forward pass; `serve`: in evaluation, where updates may be merged into the weights
   */
  adapters?(use: AdapterUse): TowerAdapters;
}

export type AdapterUse = 'learn' | 'apply' | 'serve';

/** Prompt tokens that are parameters as they are, without a network between. */
export class LearntPrompts implements PromptLearner {
  constructor(
    readonly spec: PromptSpec,
    readonly learnable: ReadonlyMap<string, Tensor>,
  ) {}

  prompts(): TowerPrompts {
    const { text, image } = this.spec;
    return {
      ...(text && { text: learntTokens(text, this.learnable) }),
      ...(image && { image: learntTokens(image, this.learnable) }),
    };
  }
}

/** The tokens of a tower by layer, as they are learnt; contexts of classes one after the other, anchored tokens first. */
function learntTokens(tower: TowerPromptSpec | TextPromptSpec, learnable: ReadonlyMap<string, Tensor>): LayerTokens {
  const { layers, width } = tower;
  const before = 'before' in tower ? (tower.before?.learnt ?? []) : [];
  const tokens: (Tensor | undefined)[] = [];
  for (const { layer, learnt } of layers) {
    const tensor = learnt && learnable.get(learnt.name);
    if (!tensor)
      throw new MethodError('prompts', `the tokens of layer ${layer} are computed`, 'compute them in a learner of their own');
    while (tokens.length < layer) tokens.push(undefined);
    const part = learnt.index === undefined ? tensor : select(tensor, 0, learnt.index);
    const rows = part.rank === 2 ? part : reshape(part, [-1, width]);
    tokens.push(layer === 0 && before.length > 0 ? withAnchored(rows, before, learnable) : rows);
  }
  return tokens;
}

/** Context tokens in the order of the text: those with fixed words between them, and those after them. */
export function withAnchored(context: Tensor, before: readonly string[], learnable: ReadonlyMap<string, Tensor>): Tensor {
  return cat([...before.map((name) => learnable.get(name) as Tensor), context]);
}

/** Tensors of declared shapes with random values, drawn in order, except those that are `given`. */
export function drawPrompts(
  shapes: ParameterShapes,
  context: Pick<CreationContext, 'device' | 'random'>,
  given: Readonly<Record<string, Tensor>> = {},
): Map<string, Tensor> {
  const draw = (shape: readonly number[]): Tensor => randomPrompts(shape, context, context.random);
  return new Map(Object.entries(shapes).map(([name, shape]) => [name, given[name] ?? draw(shape)]));
}

/** The shapes of a network's parameters. */
export function shapesOf(learnable: Iterable<readonly [string, Tensor]>): ParameterShapes {
  return Object.fromEntries([...learnable].map(([name, { shape }]) => [name, shape]));
}

/**
 * Marks the learnt tensors as parameters, but for running statistics.
 * @throws MethodError where they differ from the spec
 */
export function asParameters(method: string, { spec, learnable }: PromptLearner): void {
  const told = (shapes: ParameterShapes): string =>
    Object.entries(shapes)
      .map(([name, shape]) => `${name} [${shape.join(', ')}]`)
      .join(', ') || 'nothing';
  const [declared, learnt] = [told(spec.parameters), told(shapesOf(learnable))];
  if (declared !== learnt)
    throw new MethodError(method, `its spec declares ${declared}, and it learns ${learnt}`, 'learn what is declared');
  for (const [name, tensor] of learnable) if (!spec.statistics?.includes(name)) parameter(tensor, { name });
}
