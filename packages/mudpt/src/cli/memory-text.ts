/** The memory use of a run's steps, in words. */
import type { StepChoice } from '../memory/index.ts';
import { describeRematerialization } from '../methods/index.ts';
import { bytes, table } from '../terminal/text.ts';

/** How steps run, and how much of what they may take they do. */
export function choiceText({ rematerialization, bytes: most, budget }: StepChoice): string {
  const limit = `${bytes(budget.bytes)}${budget.isAsked ? '' : ', a guess'}`;
  return `${describeRematerialization(rematerialization)}: ${bytes(most)} of ${limit}${most > budget.bytes ? '; less is not possible' : ''}`;
}

/** The candidates that were compared, one in a line. */
export function consideredTable({ considered, rematerialization: chosen }: StepChoice): string[] {
  const rows = considered.map(({ rematerialization, bytes: most, flops }) => [
    rematerialization === chosen ? '->' : '',
    describeRematerialization(rematerialization),
    Number.isFinite(most) ? bytes(most) : 'a tensor is too large',
    Number.isFinite(flops) ? `${(flops / 1e9).toPrecision(3)} GFLOP` : '',
  ]);
  return table([['', 'a step', 'memory', 'work'], ...rows], { right: [2, 3], most: 100 });
}
