/** `pnpm train --dry-run`: what a run would take. */
import type { Estimate } from '../runs/index.ts';
import { choiceText, consideredTable } from './memory-text.ts';
import type { StatusLine } from '../terminal/status-line.ts';
import { bytes, duration } from '../terminal/text.ts';

/** Prints the time and memory of a run without training. @returns exit code */
export function tellEstimate(line: StatusLine, estimate: Estimate): number {
  const { classes, trainImages, testImages, parameters, updates, secondsPerUpdate, trainingSeconds, evaluationSeconds } =
    estimate;
  line.print(
    `${classes} classes, ${trainImages} training and ${testImages} test pictures; ${parameters.toLocaleString('en')} numbers to learn`,
  );
  const updatesText = updates === 0 ? '' : ` (${updates} updates of ${secondsPerUpdate.toFixed(2)} s)`;
  line.print(`training    about ${duration(trainingSeconds)}${updatesText}`);
  line.print(`evaluation  about ${duration(evaluationSeconds)}, before and after`);
  line.print(`memory      ${bytes(estimate.bytes)} on the adapter`);
  if (estimate.choice) {
    const { choice } = estimate;
    line.print(`plan        ${choiceText(choice)}`);
    for (const text of consideredTable(choice)) line.print(`            ${text}`);
  }
  line.print('measured on two steps; nothing was written');
  return 0;
}
