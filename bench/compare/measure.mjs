// One program on one engine, measured in Node as in a page: losses of five steps, then the time of a step.
import { PROBLEMS } from './problems.mjs';

/**
 * @param {() => Promise<any>} open of the engine
 * @param {(weights: any, data: any) => () => any} program
 * @param {string} problem
 * @param {number} batch
 * @param {number} steps of each of five samples
 * @returns {Promise<{ first: number, times: number[], losses: number[] }>} milliseconds
 */
export async function measure(open, program, problem, batch, steps) {
  const { weights, x, y, ...settings } = PROBLEMS[problem](batch);
  const { weights: made, floats, integers, read, finish } = await open();
  const data = { x: problem === 'gpt' ? integers(x) : floats(x), y: integers(y), ...settings };
  const step = program(made(weights), data);

  const begin = performance.now();
  const losses = [await read(step())];
  const first = performance.now() - begin;
  for (let k = 0; k < 4; k += 1) losses.push(await read(step()));
  const times = [];
  for (let sample = 0; sample < 5; sample += 1) {
    const start = performance.now();
    let last;
    for (let k = 0; k < steps; k += 1) last = step();
    await finish(last);
    times.push((performance.now() - start) / steps);
  }
  return { first, times, losses };
}
