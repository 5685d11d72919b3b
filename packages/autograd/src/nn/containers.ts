/** Modules in lists and by name, for models that choose among them in `forward`. */
import { TensorError } from '@mudpt/tensor/functions';
import { Module } from './module.ts';

/** Modules in order, named `0`, `1`, ... in the state dict. */
export class ModuleList<M extends Module> extends Module implements Iterable<M> {
  private readonly modules: M[];

  constructor(modules: Iterable<M> = []) {
    super();
    this.modules = [...modules];
  }

  get length(): number {
    return this.modules.length;
  }

  /** Negative positions count from the end. @throws TensorError where there is none */
  at(index: number): M {
    const module = this.modules.at(index);
    if (module) return module;
    throw new TensorError('ModuleList', `there is no module ${index} of ${this.length}`, 'give a position within the list');
  }

  push(...modules: readonly M[]): this {
    this.modules.push(...modules);
    return this;
  }

  [Symbol.iterator](): Iterator<M> {
    return this.modules.values();
  }

  override *children(): Generator<readonly [string, Module]> {
    for (const [index, module] of this.modules.entries()) yield [String(index), module];
  }
}

/** Modules by name, which is their name in the state dict. */
export class ModuleDict<R extends Readonly<Record<string, Module>>> extends Module {
  private readonly modules: R;

  constructor(modules: R) {
    super();
    this.modules = { ...modules };
  }

  get names(): readonly (keyof R & string)[] {
    return Object.keys(this.modules);
  }

  /** @throws TensorError where there is none */
  get<K extends keyof R>(name: K): R[K] {
    if (Object.hasOwn(this.modules, name)) return this.modules[name];
    throw new TensorError('ModuleDict', `there is no module ${String(name)}`, `names are ${this.names.join(', ')}`);
  }

  override *children(): Generator<readonly [string, Module]> {
    yield* Object.entries(this.modules);
  }
}
