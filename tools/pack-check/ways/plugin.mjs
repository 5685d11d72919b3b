// A method and a data set of a package outside of the repository: trained, stopped, resumed, evaluated on new classes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeShapes } from '../../../packages/testing/src/images.ts';
import { OUTSIDE } from '../pack.mjs';
import { commandOf } from '../project.mjs';
import { expectMatch, run } from '../shell.mjs';

/** Trains by the API until the first epoch has ended, and says where. */
const STOPPED = `import { Device } from '@mudpt/tensor';
import { train } from 'mudpt';
const device = await Device.open();
const stop = new AbortController();
const { summary, folder } = await train(
  {
    ...{ plugins: ['${OUTSIDE}'], data: 'drawings', root: '.', method: 'shared-vpt', classes: 'base', shots: 2 },
    ...{ settings: { depth: 2 }, training: { epochs: 2, batchSize: 2 }, alternatives: false },
  },
  { device, signal: stop.signal, observer: { onEpoch: () => stop.abort() } },
);
console.log(summary.state, folder.path);
device.dispose();
`;

/** @type {import('../ways.mjs').Check} */
export async function checkPlugin(context) {
  const project = await context.project();
  const mudpt = commandOf(project, 'mudpt');
  await writeShapes(join(project, 'drawings'), { train: 2, test: 2 });
  writeFileSync(join(project, 'stopped.mjs'), STOPPED);
  const stopped = await run(commandOf(project, 'mudpt-launch'), ['node', 'stopped.mjs'], project);
  const what = 'a method and a data set of another package are trained by the API, and stopped';
  expectMatch(stopped, /^stopped runs\S+seed1$/m, what);
  const path = /^stopped (\S+)$/m.exec(stopped)?.[1] ?? '';
  const resumed = await run(mudpt, ['train', '--resume', path], project);
  expectMatch(resumed, /^gain: /m, 'mudpt train --resume loads the plugin');
  const evaluated = await run(mudpt, ['evaluate', path, '--classes', 'new'], project);
  expectMatch(evaluated, /^drawings, new classes \(2\), 4 test pictures/m, 'mudpt evaluate on new classes loads it too');
  const words = ['train', '--plugin', OUTSIDE, '--data', 'drawings', '--root', '.', '--method', 'shared-vpt', '--depth', '2'];
  const dry = await run(mudpt, [...words, '--shots', '1', '--dry-run'], project);
  expectMatch(dry, /^4 classes, 4 training and 8 test pictures/m, 'mudpt train --plugin');
  writeFileSync(join(project, 'typed.ts'), `const name: string = '${OUTSIDE}';\nawait import(name);\n`);
  const typed = run(mudpt, ['train', '--plugin', './typed.ts', '--method', 'shared-vpt', '--help'], project);
  const told = await typed.catch((/** @type {Error} */ error) => error.message);
  const reads = 'features' in process && /** @type {{ typescript?: unknown }} */ (process.features).typescript;
  const expected = reads ? /VPT with shared/ : /reads no TypeScript by itself: use Node 22\.18 or later/;
  expectMatch(told, expected, 'mudpt --plugin FILE.ts');
}
