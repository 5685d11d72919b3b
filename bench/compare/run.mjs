// One program on one engine: node run.mjs PROBLEM ENGINE BATCH STEPS prints times and losses as JSON. Of other engines it runs inside their folder.
import { PROBLEMS } from './problems.mjs';

const [problem = '', engine = '', batch = '', steps = ''] = process.argv.slice(2);

if (engine !== 'ours') {
  // Iterator helpers, which Node 20 lacks, and Dawn as `navigator.gpu`.
  await import('core-js/actual/iterator/index.js');
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  // The object must stay reachable: Dawn's process ends when it is collected.
  globalThis.__dawn = create(['enable-dawn-features=allow_unsafe_apis']);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: globalThis.__dawn, userAgent: 'node' }, configurable: true });
}
const { open } = await import(`./programs/engine.${engine}.mjs`);
const { program } = await import(`./programs/${problem}.${engine}.mjs`);

const { weights, x, y, ...settings } = PROBLEMS[problem](Number(batch));
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
  for (let k = 0; k < Number(steps); k += 1) last = step();
  await finish(last);
  times.push((performance.now() - start) / Number(steps));
}
process.stdout.write(`@@${JSON.stringify({ first, times, losses })}\n`);
process.exit(0);
