/** Recurrent layers in f64, one number at a time, as torch.nn documents them. */

export type Kind = 'RNN' | 'GRU' | 'LSTM';
/** Weights by their names in the state dict. */
export type Weights = Readonly<Record<string, Float64Array>>;
type Matrix = readonly (readonly number[])[];

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** W x + b */
function affine(weight: Float64Array, bias: Float64Array | undefined, x: readonly number[]): number[] {
  const rows = weight.length / x.length;
  return Array.from({ length: rows }, (_, row) =>
    x.reduce((sum, value, i) => sum + (weight[row * x.length + i] as number) * value, bias?.[row] ?? 0),
  );
}

/** One sequence [T][inputs] through all layers and directions: outputs [T][width] and the last states. */
export function recurrent(
  kind: Kind,
  weights: Weights,
  hidden: number,
  sequence: Matrix,
): { output: Matrix; h: Matrix; c: Matrix } {
  const [hs, cs]: [number[][], number[][]] = [[], []];
  let current = sequence;
  for (let layer = 0; `layers.${layer}.inputs` in weights; layer += 1) {
    const ways = ['layers', 'reversed'].filter((way) => `${way}.${layer}.inputs` in weights);
    const outputs = ways.map((way) => {
      const of = (name: string): Float64Array => weights[`${way}.${layer}.${name}`] as Float64Array;
      let h = Array.from({ length: hidden }, () => 0);
      let c = h;
      const order = way === 'layers' ? current : [...current].reverse();
      const out = order.map((x) => {
        const [a, b] = [affine(of('inputs'), of('inputsBias'), x), affine(of('hidden'), of('hiddenBias'), h)];
        const gate = (which: number, i: number): number => (a[which * hidden + i] as number) + (b[which * hidden + i] as number);
        const before = [h, c] as const;
        if (kind === 'LSTM')
          c = before[1].map((old, i) => sigmoid(gate(1, i)) * old + sigmoid(gate(0, i)) * Math.tanh(gate(2, i)));
        h = before[0].map((old, i) => {
          if (kind === 'RNN') return Math.tanh(gate(0, i));
          if (kind === 'LSTM') return sigmoid(gate(3, i)) * Math.tanh(c[i] as number);
          const [r, z] = [sigmoid(gate(0, i)), sigmoid(gate(1, i))];
          const n = Math.tanh((a[2 * hidden + i] as number) + r * (b[2 * hidden + i] as number));
          return (1 - z) * n + z * old;
        });
        return h;
      });
      hs.push(h);
      cs.push(c);
      return way === 'layers' ? out : out.reverse();
    });
    current = current.map((_, t) => outputs.flatMap((one) => one[t] as number[]));
  }
  return { output: current, h: hs, c: cs };
}
