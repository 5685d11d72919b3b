/**
 * node scripts/launch.mjs tsx packages/mudpt/scripts/kill-and-resume.ts [KILLS] [SEED]
 *
 * Kills training runs (SIGKILL) at random instants, resumes each, and compares what they learnt, byte by byte, with an undisturbed run.
 * Uses a small CLIP with random weights and drawn shapes. The exit code is 1 when one differs.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { drawsFor } from '@mudpt/clip';
import { run, signalAt, start } from '../test/child.ts';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';

const [kills = 20, seed = 1] = process.argv.slice(2).map(Number);
await using at = await temporaryFolder();
const [data, model, cache] = [join(at.path, 'shapes'), join(at.path, 'model'), join(at.path, 'cache')];
await writeShapes(data, { train: 8, val: 2, test: 4 });
await writeTinyModel(model);

const words = (out: string): string[] => [
  ...['train', '--data', data, '--model', model, '--out', out, '--shots', '8', '--epochs', '4', '--batch', '4', '--depth', '3'],
  ...['--set', 'logEvery=2', '--set', 'checkpointSeconds=0.2', '--set', 'patience=3'],
];
const whole = join(at.path, 'whole');
await run(words(whole), cache);
const [name = ''] = await readdir(join(whole, 'shapes'));
const file = (out: string, entry: string): string => join(out, 'shapes', name, 'seed1', entry);
const expected = await readFile(file(whole, 'prompts.safetensors'));
const lines = (await readFile(file(whole, 'metrics.jsonl'), 'utf8')).split('\n').length - 1;
console.log(`undisturbed run: ${lines} lines of metrics, ${expected.length} bytes learnt`);

const draw = drawsFor({ seed, epoch: 0, index: 0 });
let wrong = 0;
for (let kill = 1; kill <= kills; kill++) {
  const out = join(at.path, `killed-${kill}`);
  const [after, late] = [draw() % lines, draw() % 4000];
  const running = start(words(out), cache);
  // While it starts, or when so many lines of metrics are written.
  if (after === 0) void sleep(late).then(() => running.child.kill('SIGKILL'));
  const ended = after === 0 ? await running.ended : await signalAt(running, file(out, 'metrics.jsonl'), after, 'SIGKILL');
  const before = await readFile(file(out, 'metrics.jsonl'), 'utf8').catch(() => '');
  if (ended.signal === 'SIGKILL') await run([...words(out), '--resume'], cache);
  const isEqual = Buffer.compare(await readFile(file(out, 'prompts.safetensors')), expected) === 0;
  if (!isEqual) wrong++;
  console.log(`${kill}: killed after ${before.split('\n').length - 1} of ${lines} lines: ${isEqual ? 'equal' : 'DIFFERENT'}`);
  await rm(out, { recursive: true });
}
console.log(`${kills - wrong} of ${kills} resumed runs ended with the same bytes`);
process.exitCode = wrong === 0 ? 0 : 1;
