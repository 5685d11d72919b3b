/** The table of token embeddings. A frozen one stays in host memory: a task reads some hundred of its 49,408 rows. */
import { Module } from '@mudpt/autograd';
import { cast, type Device, embedding, scope, ShapeError, Tensor, tensor, TensorError } from '@mudpt/tensor';
import { widen } from '../weight-box.ts';
import { type HostTensor } from '../weight-shapes.ts';

/** The token embeddings of the text tower, on the device or on the host. */
export class TokenTable extends Module {
  /** The table [vocabulary, width], when it is on the device. */
  readonly weight: Tensor | undefined;
  readonly vocabulary: number;
  readonly width: number;
  private readonly host: HostTensor | undefined;

  constructor(
    source: Tensor | HostTensor,
    private readonly device: Device,
  ) {
    super();
    [this.vocabulary = 0, this.width = 0] = source.shape;
    this.weight = source instanceof Tensor ? source : undefined;
    this.host = source instanceof Tensor ? undefined : source;
  }

  /**
   * The rows of `ids`, f32 [ids, width]; the id's shape may be given instead of [ids].
   * @throws ShapeError for an id outside the table
   */
  rows(ids: Int32Array, shape: readonly number[] = [ids.length]): Tensor {
    return scope(() => {
      if (this.weight) return this.embed(tensor(ids, { shape, device: this.device }));
      // Each row goes to the device once, however often it is used.
      const unique = [...new Set(ids)];
      const places = new Map(unique.map((id, place) => [id, place]));
      const local = Int32Array.from(ids, (id) => places.get(id) as number);
      const table = tensor(this.read(unique), { shape: [unique.length, this.width], device: this.device });
      return embedding(table, tensor(local, { shape, device: this.device }));
    });
  }

  /**
   * The rows of ids that only the device knows: i32 [...] gives f32 [..., width].
   * @throws TensorError when the table is in host memory
   */
  embed(ids: Tensor): Tensor {
    if (!this.weight) {
      throw new TensorError(
        'TokenTable',
        'the table is in host memory and the ids are on the device',
        'give the ids as host data, or put the table on the device: tokensOnDevice',
      );
    }
    using rows = embedding(this.weight, ids);
    return cast(rows, 'f32');
  }

  /** Rows one after the other, from host memory. */
  private read(ids: readonly number[]): Float32Array {
    const { host, width, vocabulary } = this;
    const out = new Float32Array(ids.length * width);
    for (const [place, id] of ids.entries()) {
      if (!host || !(id >= 0 && id < vocabulary))
        throw new ShapeError('TokenTable', `token ${id} is not in the table of ${vocabulary}`, 'give ids of its rows');
      const [begin, end] = [id * width, (id + 1) * width];
      out.set(host.dtype === 'f16' ? widen(host.data.slice(begin, end)) : host.data.subarray(begin, end), place * width);
    }
    return out;
  }

  /** The whole table, for writing it to a file. */
  contents(): Tensor | HostTensor {
    return (this.weight ?? this.host) as Tensor | HostTensor;
  }
}
