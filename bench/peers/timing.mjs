// What peers share wherever they run, in Node and in a page: inputs and timing.

/** The inputs that every engine gets: the same formula as bench/inputs.ts. @param {number} size @param {number} seed */
export function values(size, seed) {
  return Float32Array.from({ length: size }, (_, i) => (((i + seed * 131) * 7919) % 257) / 128 - 1);
}

/**
 * Milliseconds per run. A sample is as many runs as last 20 ms or more, and one wait.
 * @param {() => unknown} start one run
 * @param {() => Promise<unknown>} finish waits for all started runs
 * @param {{ seconds: number, samples: number, least: number }} options
 */
export async function time(start, finish, { seconds, samples, least }) {
  const sample = async (/** @type {number} */ runs) => {
    const begin = performance.now();
    for (let i = 0; i < runs; i++) await start();
    await finish();
    return performance.now() - begin;
  };
  await sample(1);
  const once = await sample(1);
  const runs = Math.max(1, Math.ceil(20 / once));
  const times = [];
  const begin = performance.now();
  while (times.length < least || (times.length < samples && performance.now() - begin < seconds * 1000))
    times.push((await sample(runs)) / runs);
  return times;
}

/** Elements of a result at the places the job asks for. @param {ArrayLike<number>} data @param {number[]} places */
export const pick = (data, places) => places.map((place) => data[place] ?? Number.NaN);
