/** The order in which an Einstein sum of many operands is contracted, two at a time. */

type Labels = readonly string[];

/** One step of a contraction: operands `first` < `second` are replaced by one with `labels`, at the end of the list. */
export type Step = { readonly first: number; readonly second: number; readonly labels: Labels };

/** Up to this many operands the best order of all is searched; beyond it each step takes the cheapest pair. */
const MOST_SEARCHED = 5;

const sizeOf = (labels: Iterable<string>, extents: ReadonlyMap<string, number>): number => {
  let size = 1;
  for (const label of labels) size *= extents.get(label) ?? 1;
  return size;
};

/** All steps that a list of operands can begin with, with their multiplications, the cheapest first; of equal ones those with the smaller result. */
function choices(operands: readonly Labels[], out: Labels, extents: ReadonlyMap<string, number>) {
  const steps: (Step & { readonly cost: number; readonly size: number })[] = [];
  for (let second = 1; second < operands.length; second += 1) {
    for (let first = 0; first < second; first += 1) {
      const both = new Set([...(operands[first] ?? []), ...(operands[second] ?? [])]);
      const others = new Set([...out, ...operands.filter((_, at) => at !== first && at !== second).flat()]);
      const labels = [...both].filter((label) => others.has(label));
      steps.push({ first, second, labels, cost: sizeOf(both, extents), size: sizeOf(labels, extents) });
    }
  }
  return steps.sort((a, b) => a.cost - b.cost || a.size - b.size);
}

/** The list after a step. */
export function afterStep<T>(operands: readonly T[], { first, second }: Step, result: T): T[] {
  return [...operands.filter((_, at) => at !== first && at !== second), result];
}

/**
 * Steps that contract operands of these labels into one: of up to five operands those with the fewest multiplications in all, of more the cheapest
 * step each time.
 */
export function contractionPath(operands: readonly Labels[], out: Labels, extents: ReadonlyMap<string, number>): Step[] {
  return search(operands, out, extents, Number.POSITIVE_INFINITY)?.steps ?? [];
}

function search(
  operands: readonly Labels[],
  out: Labels,
  extents: ReadonlyMap<string, number>,
  limit: number,
): { readonly steps: Step[]; readonly cost: number } | undefined {
  if (operands.length < 2) return { steps: [], cost: 0 };
  const all = choices(operands, out, extents);
  let best: { readonly steps: Step[]; readonly cost: number } | undefined;
  for (const { cost, size: _, ...step } of operands.length > MOST_SEARCHED ? all.slice(0, 1) : all) {
    const most = best?.cost ?? limit;
    if (cost >= most) continue;
    const rest = search(afterStep(operands, step, step.labels), out, extents, most - cost);
    if (rest) best = { steps: [step, ...rest.steps], cost: cost + rest.cost };
  }
  return best;
}
