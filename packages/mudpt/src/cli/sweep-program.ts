/** The options of `sweep` and `collect` on the command line. */
import { type Command, Option } from 'commander';
import { SPREAD_NAMES, SPREADS } from '../evaluation/statistics.ts';
import { datasetNames } from '../datasets/index.ts';
import { groupNames, PLAN_SETTINGS, PROTOCOLS } from '../sweep/protocols.ts';
import { FORMATS } from '../sweep/tables/render.ts';
import { CACHE_FLAG, CACHE_HELP } from './cache-flag.ts';
import type { CollectFlags } from './collect.ts';
import type { PlanFlags, RunFlags } from './sweep.ts';
import { addEngineCommands } from './sweep-engines-program.ts';

const FOLDER = 'folder of the sweep';
const repeated = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Takes the exit code of a command. */
type Finish = (code: number) => void;

/** Adds the commands. */
export function addSweepCommands(main: Command, finish: Finish): void {
  const sweep = main
    .command('sweep')
    .description('a whole protocol: plan its runs, run them on one machine or many, see how far they are');
  addPlanCommand(sweep, finish);
  addRunCommand(sweep, finish);
  addStatusCommand(sweep, finish);
  addChooseCommand(sweep, finish);
  addEngineCommands(sweep, finish);
  addCollectCommand(main, finish);
  sweep.addCommand(sweep.createCommand('child').argument('<sweep>').option(CACHE_FLAG).action(child), { hidden: true });
}

function addPlanCommand(sweep: Command, finish: Finish): void {
  sweep
    .command('plan')
    .description('write every run of a protocol, and the evaluations that follow it, into S/plan.jsonl')
    .argument('<protocol>', `${PROTOCOLS.join(', ')}; several with commas share the runs they have in common`)
    .requiredOption('--methods <names>', 'methods with commas; mudpt@released-defaults is a variant that a method publishes')
    .option(
      '--data <data>',
      `${groupNames.join(', ')}, names with commas (${datasetNames().join(', ')}), or folders of your own`,
      'icons',
    )
    .option('--source <data>', 'what cross-dataset and domain train on; default: ImageNet of paper11, else the first of --data')
    .option('--shots <counts>', 'such as 1,2,4,8,16 or all; default: 1,2,4,8,16 for few-shot, 16 for the others')
    .option('--seeds <numbers>', 'such as 1-3', '1-3')
    .option('--root <folder>', 'folder of the data sets known by name', 'data')
    .option('--model <model>', 'as in train', 'embedded')
    .addOption(
      new Option(
        '--settings <whose>',
        "published: the authors' for the protocol; model: made for it; default: published, model for the embedded one",
      ).choices(PLAN_SETTINGS),
    )
    .option(
      '--set <key=value>',
      'as in train, for the methods that have it; maple:lr=0.01 for one method; may be repeated',
      repeated,
    )
    .requiredOption('--out <folder>', FOLDER)
    .action(async (protocols: string, flags: PlanFlags) =>
      finish(await (await import('./sweep.ts')).planCommand(protocols, flags)),
    );
}

function addRunCommand(sweep: Command, finish: Finish): void {
  sweep
    .command('run')
    .description(
      'run what is not done; exit code 0: all done, 1: some failed, 75: stopped and saved, or with another process: run it again',
    )
    .argument('<sweep>', FOLDER)
    .option('--jobs <count>', 'processes at once on this machine, default 1')
    .option('--index <number>', 'one task of an array; default: SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX where it is set')
    .option('--chunk <count>', 'cells a task, default 1')
    .option(CACHE_FLAG, CACHE_HELP)
    .action(async (folder: string, flags: RunFlags) => finish(await (await import('./sweep.ts')).runCommand(folder, flags)));
}

function addStatusCommand(sweep: Command, finish: Finish): void {
  sweep
    .command('status')
    .description(
      'what is done, running, failed and why, left, and the time to go; exit code 0: all done, 1: some failed, 75: some left',
    )
    .argument('<sweep>', FOLDER)
    .option('--json', 'write JSON, a cell each')
    .action(async (folder: string, flags: { json?: boolean }) =>
      finish(await (await import('./sweep.ts')).statusCommand(folder, flags)),
    );
}

function addChooseCommand(sweep: Command, finish: Finish): void {
  sweep
    .command('choose')
    .description('which settings each method does best with on validation images: a sweep for each of them, the rest alike')
    .argument('<sweeps...>', 'folders of the sweeps')
    .option('--out <file>', 'JSON with every candidate and what was chosen')
    .action(async (folders: readonly string[], flags: { out?: string }) =>
      finish(await (await import('./sweep-choose.ts')).chooseCommand(folders, flags)),
    );
}

function addCollectCommand(main: Command, finish: Finish): void {
  main
    .command('collect')
    .description("a sweep's tables as the papers have them, its curves, and paired tests; exit code 1: some cells are gaps")
    .argument('<sweep>', FOLDER)
    .addOption(
      new Option('--format <format>', 'what is written to the terminal; files hold all').choices(FORMATS).default('text'),
    )
    .addOption(
      new Option('--spread <which>', SPREADS.map((name) => `${name}: ${SPREAD_NAMES[name]}`).join('; '))
        .choices(SPREADS)
        .default('std'),
    )
    .option('--pair <a,b>', 'test two methods on the same images, the second may be zero-shot; may be repeated', repeated)
    .addOption(new Option('--against <what>', 'put published numbers beside').choices(['published']))
    .option('--out <folder>', 'where tables go, default: tables in the folder of the sweep')
    .action(async (folder: string, flags: CollectFlags) =>
      finish(await (await import('./collect.ts')).collectCommand(folder, flags)),
    );
}

/** The command line of the child processes of `sweep run`. */
async function child(folder: string, { cache }: { readonly cache?: string }): Promise<void> {
  const [{ serveParent }, { readPlan }] = [await import('../sweep/child.ts'), await import('../sweep/plan.ts')];
  await serveParent(folder, await readPlan(folder), cache);
}
