/** Modules: classes whose fields are tensors and other modules. Names in the state dict are the paths of the fields. */
import { copyInto, ShapeError, Tensor, TensorError } from '@mudpt/tensor/functions';
import { isBuffer, isTrainable, noGrad, requiresGrad } from '../parameter.ts';

/** Names of a module's tensors, from its type: `weight`, `attention.qkv.bias`, `blocks.${number}.norm.weight`. */
export type StateName<M, Depth extends 0[] = []> = Depth['length'] extends 5
  ? string
  : {
      [K in keyof M & string]: NonNullable<M[K]> extends Tensor
        ? K
        : NonNullable<M[K]> extends Module
          ? `${K}.${StateName<NonNullable<M[K]>, [...Depth, 0]>}`
          : NonNullable<M[K]> extends readonly (infer Item)[]
            ? Item extends Module
              ? `${K}.${number}.${StateName<Item, [...Depth, 0]>}`
              : never
            : never;
    }[keyof M & string];

/** A module's tensors by name, as `stateDict` gives them: typed from its fields. */
export type StateDict<M> = { readonly [K in StateName<M>]: Tensor };

/**
 * A class whose fields are tensors, other modules, or arrays of modules: it finds its parameters, names them by the paths of their fields, saves,
 * loads, freezes and disposes them. Subclasses add `forward`.
 */
export abstract class Module {
  /** Whether random parts (dropout) are on; see {@link train} and {@link eval}. */
  training = true;

  /** Fields that are modules, by name; arrays count their items. */
  *children(): Generator<readonly [string, Module]> {
    for (const [name, value] of Object.entries(this)) {
      if (value instanceof Module) yield [name, value];
      else if (Array.isArray(value))
        for (const [index, item] of value.entries()) if (item instanceof Module) yield [`${name}.${index}`, item];
    }
  }

  /** All tensors with their paths, frozen ones too. */
  *namedTensors(prefix = ''): Generator<readonly [string, Tensor]> {
    for (const [name, value] of Object.entries(this)) if (value instanceof Tensor) yield [prefix + name, value];
    for (const [name, child] of this.children()) yield* child.namedTensors(`${prefix}${name}.`);
  }

  /** The tensors that are learnt. */
  parameters(): Tensor[] {
    return [...new Set([...this.namedTensors()].map(([, tensor]) => tensor).filter(isTrainable))];
  }

  /** Stops (or resumes) learning all tensors but those made by `buffer`. Frozen weights cost no gradient. */
  freeze(on = true): this {
    for (const [, tensor] of this.namedTensors()) if (!isBuffer(tensor)) requiresGrad(tensor, !on);
    return this;
  }

  train(on = true): this {
    this.training = on;
    for (const [, child] of this.children()) child.train(on);
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /** The tensors of the module by their paths; not copies. */
  stateDict(): StateDict<this> {
    return Object.fromEntries(this.namedTensors()) as unknown as StateDict<this>;
  }

  /**
   * Copies values into the module's tensors.
   * @param options.strict false: names that only one side has are skipped
   * @throws TensorError when names differ, ShapeError when shapes do; nothing is copied then
   */
  loadStateDict(values: Readonly<Record<string, Tensor>>, options: { readonly strict?: boolean } = {}): void {
    const targets = new Map(this.namedTensors());
    const missing = [...targets.keys()].filter((name) => !(name in values));
    const unknown = Object.keys(values).filter((name) => !targets.has(name));
    if ((options.strict ?? true) && missing.length + unknown.length > 0) {
      throw new TensorError(
        'loadStateDict',
        `missing: ${missing.join(', ') || 'none'}; unknown: ${unknown.join(', ') || 'none'}`,
        'load values saved from the same module, or pass { strict: false }',
      );
    }
    for (const [name, target] of targets) {
      const source = values[name];
      if (source && source.shape.join() !== target.shape.join()) {
        throw new ShapeError(
          'loadStateDict',
          `${name} has shape [${source.shape.join(', ')}], the module's [${target.shape.join(', ')}]`,
          'build the module with the sizes it was saved with',
          { shapes: { [name]: source.shape, module: target.shape } },
        );
      }
    }
    for (const [name, target] of targets) {
      const source = values[name];
      if (source) noGrad(() => copyInto(target, source));
    }
  }

  dispose(): void {
    for (const [, tensor] of this.namedTensors()) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
