/** The forms of injection in double precision on the host, written out from their formulas: an oracle for values and gradients. */

/** Parameters by name: shape and values. */
export type Parameters = ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float64Array }>;
type Matrix = number[][];

const at = (parameters: Parameters, name: string) => {
  const found = parameters.get(name);
  if (!found) throw new Error(`no parameter ${name}`);
  return found;
};

const plus = (a: Matrix, b: Matrix): Matrix => a.map((row, r) => row.map((value, c) => value + b[r]![c]!));

function linear(x: Matrix, parameters: Parameters, weight: string, bias: string): Matrix {
  const [w, b] = [at(parameters, weight).values, at(parameters, bias).values];
  return x.map((row) => {
    const inputs = row.length;
    return Array.from(b, (start, o) => {
      let sum = start;
      for (let i = 0; i < inputs; i += 1) sum += w[o * inputs + i]! * row[i]!;
      return sum;
    });
  });
}

function layerNorm(x: Matrix, parameters: Parameters, name: string): Matrix {
  const [weight, bias] = [at(parameters, `${name}.weight`).values, at(parameters, `${name}.bias`).values];
  return x.map((row) => {
    const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
    return row.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * weight[i]! + bias[i]!);
  });
}

function feedForward(x: Matrix, parameters: Parameters, name: string): Matrix {
  const up = linear(x, parameters, `${name}.c_fc.weight`, `${name}.c_fc.bias`);
  const active = up.map((row) => row.map((value) => value / (1 + Math.exp(-1.702 * value))));
  return linear(active, parameters, `${name}.c_proj.weight`, `${name}.c_proj.bias`);
}

function attend(q: Matrix, k: Matrix, v: Matrix, heads: number): Matrix {
  const width = q[0]!.length / heads;
  return q.map((query) => {
    const out: number[] = [];
    for (let head = 0; head < heads; head += 1) {
      const part = (row: readonly number[]): readonly number[] => row.slice(head * width, (head + 1) * width);
      const scores = k.map((key) => part(key).reduce((sum, value, i) => sum + value * part(query)[i]!, 0) / Math.sqrt(width));
      const top = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - top));
      const total = weights.reduce((sum, value) => sum + value, 0);
      for (let i = 0; i < width; i += 1)
        out.push(weights.reduce((sum, weight, row) => sum + (weight / total) * part(v[row]!)[i]!, 0));
    }
    return out;
  });
}

const columns = (x: Matrix, from: number, to: number): Matrix => x.map((row) => row.slice(from, to));

export type TransformerForm = {
  readonly names: { readonly pre: string; readonly block: string; readonly post: string; readonly project: string };
  readonly form: 'pre' | 'post';
  readonly heads: number;
};

/** One layer's prompts [n, width]. */
export function transformerReference(x: Matrix, parameters: Parameters, { names, form, heads }: TransformerForm): Matrix {
  const { pre, block, post, project } = names;
  const width = x[0]!.length;
  const attention = (input: Matrix): Matrix => {
    const qkv = linear(input, parameters, `${block}.attn.in_proj_weight`, `${block}.attn.in_proj_bias`);
    const mixed = attend(columns(qkv, 0, width), columns(qkv, width, 2 * width), columns(qkv, 2 * width, 3 * width), heads);
    return linear(mixed, parameters, `${block}.attn.out_proj.weight`, `${block}.attn.out_proj.bias`);
  };
  const norm = (input: Matrix, name: string): Matrix => layerNorm(input, parameters, name);
  const last = (input: Matrix): Matrix => linear(input, parameters, `${project}.weight`, `${project}.bias`);
  if (form === 'post') {
    const mixed = norm(plus(x, attention(x)), `${block}.ln_1`);
    return last(norm(plus(mixed, feedForward(mixed, parameters, `${block}.mlp`)), `${block}.ln_2`));
  }
  const input = norm(x, pre);
  const mixed = plus(input, attention(norm(input, `${block}.ln_1`)));
  return last(norm(plus(mixed, feedForward(norm(mixed, `${block}.ln_2`), parameters, `${block}.mlp`)), post));
}

export type CrossForm = { readonly name: string; readonly form: 'pre' | 'post'; readonly heads: number };

/** One layer: `source` answers, `target` asks. */
export function crossReference(source: Matrix, target: Matrix, parameters: Parameters, { name, form, heads }: CrossForm): Matrix {
  const width = target[0]!.length;
  const norm = (input: Matrix, layer: string): Matrix => layerNorm(input, parameters, `${name}.${layer}`);
  const part = (input: Matrix, layer: string): Matrix =>
    linear(input, parameters, `${name}.${layer}.weight`, `${name}.${layer}.bias`);
  const [asks, answers] = form === 'pre' ? [norm(target, 'ln_target'), norm(source, 'ln_source')] : [target, source];
  const both = part(answers, 'attn.key_value');
  const mixed = part(
    attend(part(asks, 'attn.query'), columns(both, 0, width), columns(both, width, 2 * width), heads),
    'attn.out_proj',
  );
  const fed = (input: Matrix, before: Matrix): Matrix => plus(before, feedForward(input, parameters, `${name}.mlp`));
  if (form === 'post') {
    const first = norm(mixed, 'ln_1');
    return part(norm(fed(first, first), 'ln_2'), 'proj');
  }
  return part(norm(fed(norm(mixed, 'ln_1'), mixed), 'ln_2'), 'proj');
}
