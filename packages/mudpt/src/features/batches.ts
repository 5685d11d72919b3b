/** Batches of features, for methods that learn from them on the device. */
import { indexSelect, type Tensor, tensor } from '@mudpt/tensor';
import type { FeatureSet } from '../method/method.ts';

/** Rows of features and their labels, on the device. */
export function pickRows(
  { features, labels }: FeatureSet,
  rows: Int32Array,
): { readonly features: Tensor; readonly labels: Tensor } {
  const { device } = features;
  using index = tensor(rows, { device });
  const chosen = Int32Array.from(rows, (row) => labels[row] as number);
  return { features: indexSelect(features, 0, index), labels: tensor(chosen, { device }) };
}

/** Rows 0 to count - 1 in a random order, `batch` at once. */
export function shuffled(count: number, batch: number, random: () => number): Int32Array[] {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let i = count - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return Array.from({ length: Math.ceil(count / batch) }, (_, i) => order.slice(i * batch, (i + 1) * batch));
}

/** Tensors of an object, released at the end of a block. */
export function disposable<T extends Readonly<Record<string, Tensor>>>(value: T): { readonly value: T } & Disposable {
  return {
    value,
    [Symbol.dispose]: () => {
      for (const tensor of Object.values(value)) tensor.dispose();
    },
  };
}
