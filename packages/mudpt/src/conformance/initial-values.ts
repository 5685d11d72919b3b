/** Check of initial values: equal or proportional ones in two learnt tensors show that a random stream was used twice. */

/** Neighbouring numbers that must be in the same proportions: five of them never are by chance. */
const RUN = 5;

/**
 * Pairs of tensors that hold a common run of numbers, up to a factor, each pair once. Runs of equal numbers (ones, zeros) do not count.
 * @param tensors values by name
 * @param copies names that may begin as copies of each other
 */
export function commonRuns(
  tensors: ReadonlyMap<string, ArrayLike<number>>,
  copies?: RegExp,
): (readonly [first: string, second: string])[] {
  const seen = new Map<string, string>();
  const pairs = new Map<string, readonly [string, string]>();
  for (const [name, values] of tensors)
    for (let at = 0; at + RUN <= values.length; at += 1) {
      const key = proportions(values, at);
      if (key === undefined) continue;
      const other = seen.get(key);
      if (other === undefined) seen.set(key, name);
      else if (other !== name && !(copies?.test(name) && copies.test(other))) pairs.set(`${other} ${name}`, [other, name]);
    }
  return [...pairs.values()];
}

/** The numbers from `at` on, divided by the first; undefined where all are equal or one is 0. */
function proportions(values: ArrayLike<number>, at: number): string | undefined {
  const first = values[at] as number;
  const ratios = Array.from({ length: RUN - 1 }, (_, next) => (values[at + 1 + next] as number) / first);
  if (!ratios.every(Number.isFinite) || ratios.every((ratio) => ratio === 1) || ratios.includes(0)) return undefined;
  return ratios.map((ratio) => ratio.toPrecision(5)).join();
}
