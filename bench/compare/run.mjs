// One program on one engine: node run.mjs PROBLEM ENGINE BATCH STEPS prints times and losses as JSON. Of other engines it runs inside their folder.
import { measure } from './measure.mjs';

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

const result = await measure(open, program, problem, Number(batch), Number(steps));
process.stdout.write(`@@${JSON.stringify(result)}\n`);
process.exit(0);
