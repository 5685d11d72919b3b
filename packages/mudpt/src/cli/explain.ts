/** `pnpm explain`: the words nearest to learnt prompts. */
import { printable } from '@mudpt/clip';
import { Device } from '@mudpt/tensor';
import { pathFromHere } from '../command.ts';
import { nearestWords, writeReport } from '../report/index.ts';
import { openRun, openRunData } from '../runs/index.ts';
import { epochFlag } from './epoch-flag.ts';
import { findRun } from './find-run.ts';
import { table } from '../terminal/text.ts';

export interface ExplainFlags {
  readonly model?: string;
  readonly runs?: string;
  readonly loadEpoch?: string;
}

/** Prints the words nearest to what was learnt and writes the run's report anew. @returns exit code */
export async function explainCommand(given: string, { model, runs, loadEpoch }: ExplainFlags): Promise<number> {
  using device = await Device.open();
  const epoch = epochFlag(loadEpoch);
  const run = await openRun(await findRun(given, runs), { device, epoch, ...(model !== undefined && { model }) });
  for (const note of run.notes) console.log(printable(note));
  try {
    const { folder, config, base, method } = run;
    const words =
      method.kind === 'prompts' && base.clip.text ? await nearestWords(method, base.clip.text, await base.clip.tokenizer()) : [];
    const rows = words.flatMap(({ layer, name, rows: learnt }) =>
      learnt.map(({ row, words: near }) => [
        String(layer),
        words.filter((one) => one.layer === layer).length > 1 ? name : '',
        String(row + 1),
        near.map(({ word }) => word).join(', '),
      ]),
    );
    if (rows.length > 0)
      console.log(table([['layer', '', 'row', 'nearest tokens'], ...rows], { right: [0, 2], most: 90 }).join('\n'));
    else console.log('no text prompts were learnt');
    if (epoch !== undefined) {
      console.log(`words of epoch ${epoch}; the report tells of what the run ended with, and stays`);
      return 0;
    }
    const dataset = await openRunData(config, config.classes);
    await using _lock = await folder.lock();
    const report = await writeReport({ folder, dataset, learnt: { clip: base.clip, method } });
    console.log(printable(`report  ${pathFromHere(report)}`));
    return 0;
  } finally {
    await run.close();
  }
}
