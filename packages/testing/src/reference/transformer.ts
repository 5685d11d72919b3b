/** A small GPT in f64 with its gradients and AdamW, written out by hand: it shares nothing but erf with the engine or its oracles. */
import { normalCumulative, normalDensity } from '@mudpt/testing/reference/special';

export type Weights = Map<string, Float64Array>;
export type Sizes = {
  readonly batch: number;
  readonly tokens: number;
  readonly width: number;
  readonly heads: number;
  readonly hidden: number;
  readonly layers: number;
  readonly vocabulary: number;
};

const EPS = 1e-5;

function linear(x: Float64Array, w: Float64Array, b: Float64Array, rows: number): Float64Array {
  const [outputs, inputs] = [b.length, w.length / b.length];
  const y = new Float64Array(rows * outputs);
  for (let r = 0; r < rows; r += 1)
    for (let o = 0; o < outputs; o += 1) {
      let sum = b[o]!;
      for (let i = 0; i < inputs; i += 1) sum += x[r * inputs + i]! * w[o * inputs + i]!;
      y[r * outputs + o] = sum;
    }
  return y;
}

/** Adds the gradients of weight and bias to `into` and returns that of x. */
function linearBack(x: Float64Array, w: Float64Array, dy: Float64Array, rows: number, into: Weights, name: string): Float64Array {
  const outputs = dy.length / rows;
  const inputs = w.length / outputs;
  const dx = new Float64Array(rows * inputs);
  const dw = new Float64Array(w.length);
  const db = new Float64Array(outputs);
  for (let r = 0; r < rows; r += 1)
    for (let o = 0; o < outputs; o += 1) {
      const g = dy[r * outputs + o]!;
      db[o]! += g;
      for (let i = 0; i < inputs; i += 1) {
        dx[r * inputs + i]! += g * w[o * inputs + i]!;
        dw[o * inputs + i]! += g * x[r * inputs + i]!;
      }
    }
  into.set(`${name}.weight`, dw);
  into.set(`${name}.bias`, db);
  return dx;
}

type Norm = { y: Float64Array; hat: Float64Array; rstd: Float64Array };

function norm(x: Float64Array, w: Float64Array, b: Float64Array, rows: number): Norm {
  const width = w.length;
  const [y, hat, rstd] = [new Float64Array(x.length), new Float64Array(x.length), new Float64Array(rows)];
  for (let r = 0; r < rows; r += 1) {
    const row = x.subarray(r * width, (r + 1) * width);
    const mean = row.reduce((s, v) => s + v, 0) / width;
    const scale = 1 / Math.sqrt(row.reduce((s, v) => s + (v - mean) ** 2, 0) / width + EPS);
    rstd[r] = scale;
    for (let i = 0; i < width; i += 1) {
      hat[r * width + i] = (row[i]! - mean) * scale;
      y[r * width + i] = hat[r * width + i]! * w[i]! + b[i]!;
    }
  }
  return { y, hat, rstd };
}

function normBack({ hat, rstd }: Norm, w: Float64Array, dy: Float64Array, into: Weights, name: string): Float64Array {
  const width = w.length;
  const [dx, dw, db] = [new Float64Array(dy.length), new Float64Array(width), new Float64Array(width)];
  rstd.forEach((scale, r) => {
    let [mean, meanHat] = [0, 0];
    for (let i = 0; i < width; i += 1) {
      const at = r * width + i;
      dw[i]! += dy[at]! * hat[at]!;
      db[i]! += dy[at]!;
      mean += (dy[at]! * w[i]!) / width;
      meanHat += (dy[at]! * w[i]! * hat[at]!) / width;
    }
    for (let i = 0; i < width; i += 1) {
      const at = r * width + i;
      dx[at] = scale * (dy[at]! * w[i]! - mean - hat[at]! * meanHat);
    }
  });
  into.set(`${name}.weight`, dw);
  into.set(`${name}.bias`, db);
  return dx;
}

/** Causal attention of qkv [B, T, 3, H, D]; with `dOut`, its gradient instead of the result. */
function attention(qkv: Float64Array, { batch, tokens, width, heads }: Sizes, dOut?: Float64Array): Float64Array {
  const depth = width / heads;
  const at = (b: number, t: number, part: number, h: number): number => ((b * tokens + t) * 3 + part) * width + h * depth;
  const result = new Float64Array(dOut ? qkv.length : qkv.length / 3);
  for (let b = 0; b < batch; b += 1)
    for (let h = 0; h < heads; h += 1)
      for (let i = 0; i < tokens; i += 1) {
        const scores = Array.from({ length: i + 1 }, (_, j) => {
          let s = 0;
          for (let d = 0; d < depth; d += 1) s += qkv[at(b, i, 0, h) + d]! * qkv[at(b, j, 1, h) + d]!;
          return s / Math.sqrt(depth);
        });
        const top = Math.max(...scores);
        const e = scores.map((s) => Math.exp(s - top));
        const total = e.reduce((a, c) => a + c, 0);
        const p = e.map((x) => x / total);
        const out = (b * tokens + i) * width + h * depth;
        if (!dOut) {
          p.forEach((weight, j) => {
            for (let d = 0; d < depth; d += 1) result[out + d]! += weight * qkv[at(b, j, 2, h) + d]!;
          });
          continue;
        }
        const dp = p.map((_, j) => {
          let s = 0;
          for (let d = 0; d < depth; d += 1) s += dOut[out + d]! * qkv[at(b, j, 2, h) + d]!;
          return s;
        });
        const mean = dp.reduce((s, x, j) => s + x * p[j]!, 0);
        p.forEach((weight, j) => {
          const ds = (weight * (dp[j]! - mean)) / Math.sqrt(depth);
          for (let d = 0; d < depth; d += 1) {
            result[at(b, i, 0, h) + d]! += ds * qkv[at(b, j, 1, h) + d]!;
            result[at(b, j, 1, h) + d]! += ds * qkv[at(b, i, 0, h) + d]!;
            result[at(b, j, 2, h) + d]! += weight * dOut[out + d]!;
          }
        });
      }
  return result;
}

const plus = (a: Float64Array, b: Float64Array): Float64Array => a.map((x, i) => x + b[i]!);

/** Loss (mean cross-entropy) and gradients of every weight. */
export function referenceGradients(
  w: Weights,
  ids: readonly number[],
  labels: readonly number[],
  sizes: Sizes,
): { loss: number; gradients: Weights } {
  const { batch, tokens, width, layers, vocabulary } = sizes;
  const rows = batch * tokens;
  const get = (name: string): Float64Array => w.get(name)!;
  const gradients: Weights = new Map();
  let x = new Float64Array(rows * width);
  ids.forEach((id, r) => {
    for (let i = 0; i < width; i += 1)
      x[r * width + i] = get('embedding.weight')[id * width + i]! + get('position')[(r % tokens) * width + i]!;
  });
  const saved = Array.from({ length: layers }, (_, layer) => {
    const name = (part: string): string => `blocks.${layer}.${part}`;
    const apply = (part: string, input: Float64Array): Float64Array =>
      linear(input, get(name(`${part}.weight`)), get(name(`${part}.bias`)), rows);
    const first = norm(x, get(name('norm1.weight')), get(name('norm1.bias')), rows);
    const qkv = apply('attention.qkv', first.y);
    const heads = attention(qkv, sizes);
    const middle = plus(x, apply('attention.out', heads));
    const second = norm(middle, get(name('norm2.weight')), get(name('norm2.bias')), rows);
    const pre = apply('up', second.y);
    const hidden = pre.map((v) => v * normalCumulative(v));
    x = plus(middle, apply('down', hidden)) as Float64Array<ArrayBuffer>;
    return { name, first, qkv, heads, second, pre, hidden };
  });
  const last = norm(x, get('norm.weight'), get('norm.bias'), rows);
  const logits = linear(last.y, get('head.weight'), get('head.bias'), rows);
  let loss = 0;
  const dLogits = new Float64Array(logits.length);
  labels.forEach((label, r) => {
    const row = logits.subarray(r * vocabulary, (r + 1) * vocabulary);
    const top = Math.max(...row);
    const lse = top + Math.log(row.reduce((s, v) => s + Math.exp(v - top), 0));
    loss += (lse - row[label]!) / rows;
    row.forEach((v, c) => {
      dLogits[r * vocabulary + c] = (Math.exp(v - lse) - (c === label ? 1 : 0)) / rows;
    });
  });
  const back = (input: Float64Array, name: string, dy: Float64Array): Float64Array =>
    linearBack(input, get(`${name}.weight`), dy, rows, gradients, name);
  let dx = normBack(last, get('norm.weight'), back(last.y, 'head', dLogits), gradients, 'norm');
  for (const { name, first, qkv, heads, second, pre, hidden } of saved.reverse()) {
    const dHidden = back(hidden, name('down'), dx);
    const dPre = dHidden.map((g, i) => g * (normalCumulative(pre[i]!) + pre[i]! * normalDensity(pre[i]!)));
    dx = plus(dx, normBack(second, get(name('norm2.weight')), back(second.y, name('up'), dPre), gradients, name('norm2')));
    const dQkv = attention(qkv, sizes, back(heads, name('attention.out'), dx));
    dx = plus(
      dx,
      normBack(first, get(name('norm1.weight')), back(first.y, name('attention.qkv'), dQkv), gradients, name('norm1')),
    );
  }
  const [dEmbedding, dPosition] = [new Float64Array(get('embedding.weight').length), new Float64Array(get('position').length)];
  ids.forEach((id, r) => {
    for (let i = 0; i < width; i += 1) {
      dEmbedding[id * width + i]! += dx[r * width + i]!;
      dPosition[(r % tokens) * width + i]! += dx[r * width + i]!;
    }
  });
  gradients.set('embedding.weight', dEmbedding);
  gradients.set('position', dPosition);
  return { loss, gradients };
}

/** One AdamW step in place (betas 0.9 and 0.999, eps 1e-8); `state` begins empty. */
export function adamw(
  w: Weights,
  gradients: Weights,
  state: Map<string, [Float64Array, Float64Array]>,
  step: number,
  lr: number,
  decay: number,
): void {
  for (const [name, p] of w) {
    const g = gradients.get(name)!;
    const [m, v] = state.get(name) ?? [new Float64Array(p.length), new Float64Array(p.length)];
    state.set(name, [m, v]);
    for (let i = 0; i < p.length; i += 1) {
      m[i] = 0.9 * m[i]! + 0.1 * g[i]!;
      v[i] = 0.999 * v[i]! + 0.001 * g[i]! ** 2;
      const update = m[i]! / (1 - 0.9 ** step) / (Math.sqrt(v[i]! / (1 - 0.999 ** step)) + 1e-8);
      p[i] = p[i]! * (1 - lr * decay) - lr * update;
    }
  }
}
