/** `sweep choose`: the settings that each method does best with on validation images. */
import { InputError, writeFileAtomic } from '@mudpt/tensor';
import { counted, someOf } from '../data/dataset.ts';
import { EXIT_DONE, EXIT_FAILED } from '../sweep/exit-codes.ts';
import { readPlan } from '../sweep/plan.ts';
import { readCell } from '../sweep/runs.ts';
import { type Candidate, choose, unevenness, type Validated } from '../sweep/tables/choice.ts';
import { StatusLine } from '../terminal/status-line.ts';
import { percent, table } from '../terminal/text.ts';

/** Runs the command. @returns exit code: 1 where some runs gave nothing */
export async function chooseCommand(sweeps: readonly string[], { out }: { readonly out?: string }): Promise<number> {
  const line = new StatusLine(process.stdout);
  const runs: Validated[] = [];
  for (const sweep of sweeps)
    for (const cell of (await readPlan(sweep)).cells) {
      const summary = await readCell(sweep, cell);
      runs.push({ cell, accuracy: summary?.state === 'finished' ? summary.validation : undefined });
    }
  const uneven = unevenness(runs);
  if (uneven !== undefined)
    throw new InputError('sweep choose', uneven, 'plan every setting with the same --data, --shots and --seeds');
  const { candidates, chosen, gaps } = choose(runs);
  if (candidates.length === 0)
    throw new InputError(
      'sweep choose',
      'no run has an accuracy on validation images',
      'run the sweeps first, on data with a val split',
    );
  const row = (one: Candidate): string[] => [
    one.method,
    one.assignments.join(' '),
    `${percent(one.accuracy)}${one.std === undefined ? '' : ` ± ${one.std.toFixed(1)}`}`,
    String(one.runs),
    chosen.includes(one) ? 'chosen' : '',
  ];
  for (const text of table([['method', 'settings', 'validation', 'runs', ''], ...candidates.map(row)], { right: [3] }))
    line.print(text);
  const flags = chosen.flatMap(({ method, assignments }) => assignments.map((text) => `--set ${method}:${text}`));
  if (flags.length > 0) {
    line.print();
    line.print(flags.join(' '));
  }
  if (out !== undefined) await writeFileAtomic('sweep choose', out, `${JSON.stringify({ candidates, chosen }, undefined, 2)}\n`);
  if (gaps.length > 0) line.print(`${counted(gaps.length, 'run gave', 'runs gave')} nothing: ${someOf(gaps, 3)}`);
  return gaps.length > 0 ? EXIT_FAILED : EXIT_DONE;
}
