/** Update rules as torch.optim (and the papers of Lion and LAMB) write them, in f64, for one parameter. */

/** Makes a rule's state for a parameter of `size` numbers; the result takes a step: parameter, gradient and rate give the new parameter. */
export type Reference = (size: number) => (p: Float64Array, g: Float64Array, lr: number) => Float64Array<ArrayBuffer>;

type Common = { readonly weightDecay?: number; readonly maximize?: boolean };
type Betas = { readonly betas?: readonly [number, number]; readonly eps?: number };

const { sqrt } = Math;
const norm = (x: Float64Array): number => sqrt(x.reduce((sum, value) => sum + value * value, 0));

/** A rule of separate elements: `each` takes and returns an element's states. */
function elementwise(
  { weightDecay = 0, maximize = false }: Common,
  states: readonly number[],
  each: (d: number, s: number[], t: number, lr: number, p: number) => number,
  isDecoupled = false,
): Reference {
  return (size) => {
    const all = Array.from({ length: size }, () => [...states]);
    let t = 0;
    return (p, g, lr) => {
      t += 1;
      return p.map((value, i) => {
        const d = (maximize ? -1 : 1) * (g[i] as number);
        const kept = isDecoupled ? value * (1 - lr * weightDecay) : value;
        return kept - each(isDecoupled ? d : d + weightDecay * value, all[i] as number[], t, lr, value);
      });
    };
  };
}

export const REFERENCES = {
  rmsprop({
    alpha = 0.99,
    eps = 1e-8,
    momentum = 0,
    centered = false,
    ...common
  }: Common & { alpha?: number; eps?: number; momentum?: number; centered?: boolean }): Reference {
    return elementwise(common, [0, 0, 0], (d, s, _, lr) => {
      const [v = 0, average = 0, m = 0] = s;
      s[0] = alpha * v + (1 - alpha) * d * d;
      s[1] = average + (1 - alpha) * (d - average);
      const denominator = sqrt(s[0] - (centered ? s[1] ** 2 : 0)) + eps;
      s[2] = momentum * m + d / denominator;
      return lr * s[2];
    });
  },
  adagrad({
    lrDecay = 0,
    initialAccumulator = 0,
    eps = 1e-10,
    ...common
  }: Common & { lrDecay?: number; initialAccumulator?: number; eps?: number }): Reference {
    return elementwise(common, [initialAccumulator], (d, s, t, lr) => {
      s[0] = (s[0] as number) + d * d;
      return ((lr / (1 + (t - 1) * lrDecay)) * d) / (sqrt(s[0]) + eps);
    });
  },
  adadelta({ rho = 0.9, eps = 1e-6, ...common }: Common & { rho?: number; eps?: number }): Reference {
    return elementwise(common, [0, 0], (d, s, _, lr) => {
      const [v = 0, u = 0] = s;
      s[0] = rho * v + (1 - rho) * d * d;
      const change = (sqrt(u + eps) / sqrt(s[0] + eps)) * d;
      s[1] = rho * u + (1 - rho) * change * change;
      return lr * change;
    });
  },
  adamax({ betas: [b1, b2] = [0.9, 0.999], eps = 1e-8, ...common }: Common & Betas): Reference {
    return elementwise(common, [0, 0], (d, s, t, lr) => {
      const [m = 0, u = 0] = s;
      s[0] = b1 * m + (1 - b1) * d;
      s[1] = Math.max(b2 * u, Math.abs(d) + eps);
      return ((lr / (1 - b1 ** t)) * s[0]) / s[1];
    });
  },
  nadam({
    betas: [b1, b2] = [0.9, 0.999],
    eps = 1e-8,
    momentumDecay = 4e-3,
    decoupledWeightDecay = false,
    ...common
  }: Common & Betas & { momentumDecay?: number; decoupledWeightDecay?: boolean }): Reference {
    const mu = (t: number): number => b1 * (1 - 0.5 * 0.96 ** (t * momentumDecay));
    return elementwise(
      common,
      [0, 0, 1],
      (d, s, t, lr) => {
        const [m = 0, v = 0, product = 1] = s;
        s[0] = b1 * m + (1 - b1) * d;
        s[1] = b2 * v + (1 - b2) * d * d;
        s[2] = product * mu(t);
        const denominator = sqrt(s[1] / (1 - b2 ** t)) + eps;
        return (lr * (((1 - mu(t)) / (1 - s[2])) * d + (mu(t + 1) / (1 - s[2] * mu(t + 1))) * s[0])) / denominator;
      },
      decoupledWeightDecay,
    );
  },
  radam({
    betas: [b1, b2] = [0.9, 0.999],
    eps = 1e-8,
    decoupledWeightDecay = false,
    ...common
  }: Common & Betas & { decoupledWeightDecay?: boolean }): Reference {
    const longest = 2 / (1 - b2) - 1;
    return elementwise(
      common,
      [0, 0],
      (d, s, t, lr) => {
        const [m = 0, v = 0] = s;
        s[0] = b1 * m + (1 - b1) * d;
        s[1] = b2 * v + (1 - b2) * d * d;
        const first = s[0] / (1 - b1 ** t);
        const rho = longest - (2 * t * b2 ** t) / (1 - b2 ** t);
        if (rho <= 5) return lr * first;
        const rect = sqrt(((rho - 4) * (rho - 2) * longest) / ((longest - 4) * (longest - 2) * rho));
        return (lr * first * rect * sqrt(1 - b2 ** t)) / (sqrt(s[1]) + eps);
      },
      decoupledWeightDecay,
    );
  },
  lion({ betas: [b1, b2] = [0.9, 0.99], ...common }: Common & Betas): Reference {
    return elementwise(
      common,
      [0],
      (d, s, _, lr) => {
        const [m = 0] = s;
        s[0] = b2 * m + (1 - b2) * d;
        return lr * Math.sign(b1 * m + (1 - b1) * d);
      },
      true,
    );
  },
  lamb({ betas: [b1, b2] = [0.9, 0.999], eps = 1e-6, weightDecay = 0 }: Common & Betas): Reference {
    return (size) => {
      const [m, v] = [new Float64Array(size), new Float64Array(size)];
      let t = 0;
      return (p, g, lr) => {
        t += 1;
        const u = p.map((value, i) => {
          const d = g[i] as number;
          m[i] = b1 * (m[i] as number) + (1 - b1) * d;
          v[i] = b2 * (v[i] as number) + (1 - b2) * d * d;
          return m[i] / (1 - b1 ** t) / (sqrt(v[i] / (1 - b2 ** t)) + eps) + weightDecay * value;
        });
        const ratio = norm(p) > 0 && norm(u) > 0 ? norm(p) / norm(u) : 1;
        return p.map((value, i) => value - lr * ratio * (u[i] as number));
      };
    };
  },
} as const;
