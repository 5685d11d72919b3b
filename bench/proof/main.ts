/**
 * `pnpm gpu:proof [--minutes N] [--out DIR] [--goldens PATH]... [--dry-run] [--resume] [--only STEP,...] [--plant FAULT]...`: everything that is to be known of an
 * adapter in a few minutes. Each step is a process of its own with a bound on its time; results are written as they come, and what fails or hangs does
 * not stop the next.
 */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writeReport } from './report.ts';
import { adapterOf, keepOutcomes, passedSteps } from './resume.ts';
import { notRun, type Outcome, runStep, type Step } from './run.ts';
import { FAULTS, planSteps } from './steps.ts';

const USAGE = `usage: pnpm gpu:proof [--minutes N] [--out DIR] [--goldens PATH]... [--dry-run] [--resume] [--only STEP,...] [--plant FAULT]...
--minutes  for all steps together; those that no time is left for are named (default 8)
--out      folder of report.md, logs and JSON (default runs/proof)
--goldens  a golden file or folder to hold the methods against; may be repeated (default: the repository's fixtures)
--dry-run  small shapes: shows on any adapter that the proof works
--resume   goes on with a proof in --out that was cut off: what passed is not run again
--only     some steps, by name
--plant    plants a fault, to see what it does to the rest: ${FAULTS.join(', ')}`;

/** The step that says which adapter it is: it runs again, since it may be another one now. */
const ADAPTER = 'adapter';

/** Fewer seconds than this are no use to a step. */
const LEAST = 5;

type Settings = {
  readonly minutes: number;
  readonly out: string;
  readonly isDry: boolean;
  readonly steps: readonly Step[];
  /** Of an earlier run in the same folder. */
  readonly passed: ReadonlyMap<string, Outcome>;
};

function settings(words: readonly string[]): Settings | string {
  const { values } = parseArgs({
    args: [...words],
    options: {
      minutes: { type: 'string', default: '8' },
      out: { type: 'string', default: 'runs/proof' },
      goldens: { type: 'string', multiple: true, default: [] },
      'dry-run': { type: 'boolean', default: false },
      resume: { type: 'boolean', default: false },
      only: { type: 'string' },
      plant: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return '';
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= 600)) return `--minutes ${values.minutes} is no number of minutes from 0 to 600`;
  const unknown = values.plant.filter((name) => !(FAULTS as readonly string[]).includes(name));
  if (unknown.length > 0) return `there is no fault '${unknown.join("', '")}'`;
  const out = resolve(values.out);
  const isDry = values['dry-run'];
  const all = planSteps({ out, isDry, minutes, goldens: values.goldens.map((path) => resolve(path)), faults: values.plant });
  const names = values.only?.split(',');
  const strange = names?.filter((name) => !all.some((step) => step.name === name)) ?? [];
  if (strange.length > 0)
    return `there is no step '${strange.join("', '")}'; there are ${all.map(({ name }) => name).join(', ')}`;
  const passed = values.resume ? passedSteps(out, isDry) : new Map<string, Outcome>();
  return { minutes, out, isDry, steps: names ? all.filter(({ name }) => names.includes(name)) : all, passed };
}

/** @returns exit code: 1 when a step failed or was stopped */
async function main(): Promise<number> {
  let chosen: Settings | string;
  try {
    chosen = settings(process.argv.slice(2));
  } catch (error) {
    chosen = error instanceof Error ? error.message : String(error);
  }
  if (typeof chosen === 'string') {
    console.error(chosen === '' ? USAGE : `gpu:proof: ${chosen}\n${USAGE}`);
    return chosen === '' ? 0 : 2;
  }
  const { minutes, out, isDry, steps, passed } = chosen;
  mkdirSync(join(out, 'tuning'), { recursive: true });
  process.env['MUDPT_TUNING_DIR'] = join(out, 'tuning');
  const end = performance.now() + minutes * 60_000;
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupt.abort());
  const outcomes: Outcome[] = [];
  const before = passed.size > 0 ? adapterOf(out) : undefined;
  for (const step of steps) {
    if (interrupt.signal.aborted) break;
    const kept = step.name === ADAPTER ? undefined : passed.get(step.name);
    if (kept) {
      outcomes.push(kept);
      console.log(`${step.title} ... ${kept.status} before`);
      continue;
    }
    const left = (end - performance.now()) / 1000;
    process.stdout.write(`${step.title} ... `);
    const outcome = await take(step, out, left, interrupt.signal);
    outcomes.push(outcome);
    console.log(`${outcome.status}, ${outcome.seconds.toFixed(0)} s${outcome.reason ? `: ${outcome.reason}` : ''}`);
    if (before !== undefined && adapterOf(out) !== before) {
      console.error(`gpu:proof: the results in ${out} are of ${before}: give another --out`);
      return 2;
    }
    keepOutcomes(out, { isDry, outcomes: [...outcomes, ...laterOf(passed, outcomes)] });
    writeReport(out, outcomes, { isDry, isDone: outcomes.length === steps.length });
  }
  console.log(`read ${join(out, 'report.md')}`);
  return outcomes.some(({ status }) => status === 'failed' || status === 'stopped') ? 1 : 0;
}

/** Outcomes of an earlier run whose steps come later: a second cut keeps them. */
function laterOf(passed: ReadonlyMap<string, Outcome>, outcomes: readonly Outcome[]): Outcome[] {
  return [...passed.values()].filter((one) => !outcomes.some(({ name }) => name === one.name));
}

async function take(step: Step, out: string, left: number, interrupt: AbortSignal): Promise<Outcome> {
  if (step.leftOut !== undefined) return notRun(step, step.leftOut);
  if (left < LEAST) return notRun(step, 'no time was left');
  return await runStep(step, out, left, interrupt);
}

process.exitCode = await main();
