/** Limited-memory BFGS on the host, for smooth functions of some thousand to some million variables (Nocedal and Wright, algorithm 7.5). */

export type LbfgsEvaluation = { readonly value: number; readonly gradient: Float64Array };

/** When {@link lbfgs} ends, and what it keeps. */
export type LbfgsOptions = {
  readonly maxIterations: number;
  /** Stops when no element of the gradient is larger. */
  readonly tolerance: number;
  /** Pairs of steps kept. Default 10. */
  readonly memory?: number;
  /** Called after each iteration. Throw to stop. */
  readonly onIteration?: (iteration: number, value: number) => void;
};

/** Where {@link lbfgs} ended, and why. */
export type LbfgsResult = {
  readonly x: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** Why it ended: the gradient is small, no step gets lower any more (rounding), or the iterations are used up. */
  readonly reason: 'converged' | 'stalled' | 'iterations';
};

type Pair = { readonly s: Float64Array; readonly y: Float64Array; readonly rho: number };

const DECREASE = 1e-4;
const CURVATURE = 0.9;
/** Steps a line search tries. */
const TRIALS = 30;

/** Minimises `evaluate` from `start`. */
export async function lbfgs(
  evaluate: (x: Float64Array) => Promise<LbfgsEvaluation>,
  start: Float64Array,
  { maxIterations, tolerance, memory = 10, onIteration }: LbfgsOptions,
): Promise<LbfgsResult> {
  let x = start;
  let current = await evaluate(x);
  const pairs: Pair[] = [];
  for (let iteration = 0; iteration < maxIterations; iteration += 1) {
    const steepest = largest(current.gradient);
    if (steepest <= tolerance) return { x, value: current.value, iterations: iteration, reason: 'converged' };
    const direction = descent(current.gradient, pairs);
    const first = pairs.length === 0 ? Math.min(1, 1 / norm(current.gradient)) : 1;
    const next = await search(evaluate, x, current, direction, first);
    if (!next) return { x, value: current.value, iterations: iteration, reason: 'stalled' };
    const s = difference(next.x, x);
    const y = difference(next.at.gradient, current.gradient);
    const sy = dot(s, y);
    if (sy > 1e-10 * dot(y, y)) pairs.push({ s, y, rho: 1 / sy });
    if (pairs.length > memory) pairs.shift();
    ({ x, at: current } = next);
    onIteration?.(iteration + 1, current.value);
  }
  return { x, value: current.value, iterations: maxIterations, reason: 'iterations' };
}

/** Minus the inverse Hessian's estimate times the gradient: the two loops. */
function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const q = gradient.slice();
  const alphas: number[] = [];
  for (const { s, y, rho } of [...pairs].reverse()) {
    const alpha = rho * dot(s, q);
    alphas.unshift(alpha);
    addScaled(q, y, -alpha);
  }
  const last = pairs.at(-1);
  if (last) scale(q, 1 / (last.rho * dot(last.y, last.y)));
  for (const [index, { s, y, rho }] of pairs.entries()) addScaled(q, s, (alphas[index] as number) - rho * dot(y, q));
  scale(q, -1);
  return q;
}

/** A step that satisfies the weak Wolfe conditions, by doubling and bisection; undefined when none lowers the value. */
async function search(
  evaluate: (x: Float64Array) => Promise<LbfgsEvaluation>,
  x: Float64Array,
  from: LbfgsEvaluation,
  direction: Float64Array,
  first: number,
): Promise<{ readonly x: Float64Array; readonly at: LbfgsEvaluation } | undefined> {
  const slope = dot(from.gradient, direction);
  if (!(slope < 0)) return undefined;
  let [low, high, step] = [0, Infinity, first];
  let best: { readonly x: Float64Array; readonly at: LbfgsEvaluation } | undefined;
  for (let trial = 0; trial < TRIALS; trial += 1) {
    const candidate = x.slice();
    addScaled(candidate, direction, step);
    const at = await evaluate(candidate);
    const isLow = at.value <= from.value + DECREASE * step * slope;
    if (isLow && at.value < (best?.at.value ?? from.value)) best = { x: candidate, at };
    if (!isLow) high = step;
    else if (dot(at.gradient, direction) < CURVATURE * slope) low = step;
    else return { x: candidate, at };
    step = high === Infinity ? 2 * low : (low + high) / 2;
  }
  return best;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}

function largest(a: Float64Array): number {
  return a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value - (b[i] as number));
}

function addScaled(target: Float64Array, other: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i += 1) target[i] = (target[i] as number) + factor * (other[i] as number);
}

function scale(target: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i += 1) target[i] = (target[i] as number) * factor;
}
