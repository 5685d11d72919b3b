/** `pnpm train --check`: the data alone, without a model or an adapter. */
import { createImageLoader } from '@mudpt/clip';
import { FormatError, InputError } from '@mudpt/tensor';
import { counted, SPLITS } from '../data/dataset.ts';
import { openRunData, type RunInput } from '../runs/index.ts';
import { classFacts, expectTrainable } from '../runs/material/run-data.ts';
import { loadConfig } from '../runs/settings/config-plugins.ts';
import { StatusLine } from '../terminal/status-line.ts';
import { bar, table } from '../terminal/text.ts';

/** Side of the squares that images are resized to, to find out whether they decode. */
const SIDE = 32;

/** Prints what a run would be made of, and decodes every image. @returns exit code: 0 all fine, 3 some images cannot be read */
export async function checkData(input: RunInput, line: StatusLine, signal: AbortSignal): Promise<number> {
  const config = await loadConfig(input);
  const dataset = await openRunData(config, config.classes);
  expectTrainable(dataset);
  const facts = classFacts(dataset);
  const rows = facts.map(({ name, prompt, train, val, test }) => [name, prompt, String(train), String(val), String(test)]);
  line.print(
    `${dataset.name}: ${counted(facts.length, 'class', 'classes')}, ${SPLITS.map((split) => `${dataset.splits[split].length} ${split}`).join(', ')}`,
  );
  line.print();
  for (const row of table([['class', 'zero-shot prompt', 'train', 'val', 'test'], ...rows], { right: [2, 3, 4] }))
    line.print(row);
  line.print();
  for (const warning of dataset.warnings) line.print(`${line.paint('caution', 'warning:')} ${warning}`);
  const items = SPLITS.flatMap((split) => dataset.splits[split]);
  const bad: string[] = [];
  await using loader = createImageLoader({ size: SIDE, ...(config.exif && { exif: config.exif }) });
  let next = 0;
  const look = async (): Promise<void> => {
    for (let item = items[next++]; item; item = items[next++]) {
      signal.throwIfAborted();
      await loader.load(item.image).catch((error: unknown) => {
        if (!(error instanceof FormatError || error instanceof InputError)) throw error;
        bad.push(`${item?.id}: ${error.problem}`);
      });
      line.show(`pictures ${bar(next / items.length)} ${Math.min(next, items.length)}/${items.length}`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, look));
  line.clear();
  for (const text of bad.sort()) line.print(`${line.paint('bad', 'error:')} ${text}`);
  line.print(
    bad.length === 0
      ? `all ${counted(items.length, 'picture', 'pictures')} can be read; nothing was written`
      : `${bad.length} of ${counted(items.length, 'picture', 'pictures')} cannot be read; nothing was written`,
  );
  return bad.length === 0 ? 0 : 3;
}
