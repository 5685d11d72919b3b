/** Whether an adapter can hold a model: no tensor may be larger than what it binds. */
import type { AdapterFacts } from '../worker/protocol.ts';

export interface Room {
  /** Bytes of weights on the device. */
  readonly bytes: number;
  /** The first weight that is larger than the adapter binds, and its bytes. */
  readonly tooLarge: { readonly name: string; readonly bytes: number } | undefined;
}

/** @param shapes of all weights: kept in f32, but for the token table, which stays in host memory */
export function roomFor(
  shapes: Iterable<readonly [name: string, shape: readonly number[]]>,
  { maxBufferSize, maxStorageBufferBindingSize }: Pick<AdapterFacts, 'maxBufferSize' | 'maxStorageBufferBindingSize'>,
): Room {
  const sizes = [...shapes]
    .filter(([name]) => name !== 'token_embedding.weight')
    .map(([name, shape]) => ({ name, bytes: 4 * shape.reduce((all, length) => all * length, 1) }));
  const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  return { bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0), tooLarge: sizes.find(({ bytes }) => bytes > most) };
}
