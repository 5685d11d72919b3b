import { contiguous, type Tensor } from '@mudpt/tensor/functions';
import { Module } from './module.ts';

/** A step of a {@link Sequential}: a module with `forward`, or a function such as `relu`. */
export type Layer = (Module & { forward(x: Tensor): Tensor }) | ((x: Tensor) => Tensor);
type NamedLayers = Readonly<Record<string, Layer>>;

/**
 * Applies layers one after another; what lies between is released. In the state dict they are `layers.0`, `layers.1`, ..., or the names given.
 * @example
 * const model = new Sequential(new Linear(2, 8), relu, new Linear(8, 1));
 * console.log(model.forward(ones([4, 2])).shape); // [4,1]
 */
export class Sequential extends Module {
  readonly layers: readonly Layer[];
  private readonly names: readonly string[] | undefined;

  /** @param layers in order, or one object of them by name: `new Sequential({ hidden: new Linear(2, 8), relu, out: new Linear(8, 1) })` */
  constructor(...layers: readonly Layer[] | readonly [NamedLayers]) {
    super();
    const [first] = layers;
    const named = layers.length === 1 && typeof first === 'object' && !(first instanceof Module) ? first : undefined;
    this.layers = named ? Object.values(named) : (layers as readonly Layer[]);
    this.names = named && Object.keys(named);
  }

  override *children(): Generator<readonly [string, Module]> {
    for (const [index, layer] of this.layers.entries())
      if (layer instanceof Module) yield [this.names?.[index] ?? `layers.${index}`, layer];
  }

  forward(x: Tensor): Tensor {
    let current: Tensor | undefined;
    for (const layer of this.layers) {
      const before = current;
      const input = before ?? x;
      current = layer instanceof Module ? layer.forward(input) : layer(input);
      before?.dispose();
    }
    return current ?? contiguous(x);
  }
}
