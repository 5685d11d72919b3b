/** The report of what was learnt, with thumbnails inside. */
import { database } from '../project/store.ts';
import { pageError } from '../worker/rpc.ts';
import { imagesByClass, project, sides } from './project.ts';
import { comparableClasses, lines, outcome } from './session.ts';
import { engine } from './workers.ts';

/** Thumbnails at most: they take about 3 kB each. */
const MOST = 800;

/** @throws StudioError where classes have changed since the training */
export async function makeReport(): Promise<string> {
  const result = outcome.value;
  const { before, tuned: after } = result ?? {};
  const used = comparableClasses.value;
  if (!result || !after || !before || !used) throw pageError('otherClasses');
  const db = await database();
  const hardest = [...after.guesses].sort((a, b) => b.loss - a.loss).slice(0, MOST);
  const thumbnails: (readonly [string, string])[] = [];
  for (const { id } of hardest) {
    const blob = await db.get('thumbnails', id);
    if (blob) thumbnails.push([id, await dataAddress(blob)]);
  }
  const matrix = await engine.call('drawMatrix', after.classNames, after.confusion);
  const classes = used.map(({ id, name }) => {
    const images = imagesByClass.value.get(id) ?? [];
    const test = images.filter((image) => sides.value.get(image.id) === 'test').length;
    const train = images.length - test;
    const { shots } = result.plan;
    return { name, train: shots === 'all' ? train : Math.min(train, shots), test };
  });
  const { name, template } = project.value;
  return engine.call('report', {
    name,
    template,
    classes,
    outcome: result,
    lines: lines.value,
    before,
    after,
    matrix,
    thumbnails,
  });
}

function dataAddress(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => resolve(String(reader.result)));
    reader.addEventListener('error', () => reject(reader.error ?? new Error('a thumbnail cannot be read')));
    reader.readAsDataURL(blob);
  });
}
