/** Counts of n-grams, on the host. */
import { type HostTensor, hostTensor } from '../host/tensor.ts';
import type { Call } from '../node/call.ts';
import { type Operator, type Operators, textAttribute } from '../node/operator.ts';
import { Value } from '../node/value.ts';

/** The n-grams of the pool by their numbers, with the column that each counts in. */
function columnsOf(call: Call): ReadonlyMap<string, number> {
  const pool = call.ints('pool_int64s') ?? [];
  const starts = call.ints('ngram_counts') ?? [];
  const indexes = call.ints('ngram_indexes') ?? [];
  const columns = new Map<string, number>();
  let gram = 0;
  starts.forEach((start, at) => {
    const size = at + 1;
    for (let from = start; from + size <= (starts[at + 1] ?? pool.length); from += size, gram += 1)
      columns.set(pool.slice(from, from + size).join(), indexes[gram] ?? 0);
  });
  return columns;
}

/** Counts of every column in a row: n-grams of all wanted sizes whose items lie up to `max_skip_count` others apart. */
function countsOf(call: Call, row: readonly number[], columns: ReadonlyMap<string, number>, width: number): number[] {
  const [least, most, skips] = [call.int('min_gram_length'), call.int('max_gram_length'), call.int('max_skip_count')];
  const counts = Array.from({ length: width }, () => 0);
  for (let apart = 1; apart <= skips + 1; apart += 1)
    // Single items are the same at any distance, and counted once.
    for (let size = apart === 1 ? least : Math.max(least, 2); size <= most; size += 1)
      for (let start = 0; start + apart * (size - 1) < row.length; start += 1) {
        const column = columns.get(Array.from({ length: size }, (_, i) => row[start + apart * i]).join());
        if (column !== undefined) counts[column] = (counts[column] ?? 0) + 1;
      }
  return counts;
}

function vectorized(call: Call): HostTensor {
  const { shape } = call.host(0);
  const numbers = call.list(0);
  const width = Math.max(...(call.ints('ngram_indexes') ?? [0])) + 1;
  const columns = columnsOf(call);
  const weights = call.floats('weights');
  const mode = call.text('mode', 'TF');
  const length = shape.length === 2 ? (shape[1] ?? 0) : numbers.length;
  const rows = shape.length === 2 ? (shape[0] ?? 0) : 1;
  const values = Array.from({ length: rows }, (_, row) =>
    countsOf(call, numbers.slice(row * length, (row + 1) * length), columns, width).map((count, column) => {
      if (mode === 'TF') return count;
      return (weights?.[column] ?? 1) * (mode === 'IDF' ? Math.min(count, 1) : count);
    }),
  );
  return hostTensor('float', shape.length === 2 ? [rows, width] : [width], values.flat());
}

const tfIdf: Operator = {
  by: 'composition',
  reads: [0],
  refuses: (node) => {
    if (node.attributes.has('pool_strings')) return 'of texts';
    const mode = textAttribute(node, 'mode', 'TF');
    return ['TF', 'IDF', 'TFIDF'].includes(mode) ? undefined : `with mode ${mode}`;
  },
  run: (call) => Value.host(vectorized(call)),
};

export const ngramOperators: Operators = { TfIdfVectorizer: tfIdf };
