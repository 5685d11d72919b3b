/** The commands and options of the command line: `train`, `evaluate`, `predict`, `compare`, `explain`, `sweep`. */
import { printable } from '@mudpt/clip';
import { addShardFlags } from '@mudpt/clip/shards';
import { TensorError } from '@mudpt/tensor';
import { Command, CommanderError, Option } from 'commander';
import { command } from '../command.ts';
import type { PluginRecord } from '../plugins/load.ts';
import { runSettings } from '../runs/settings/settings.ts';
import { CACHE_FLAG, CACHE_HELP } from './cache-flag.ts';
import { LOAD_EPOCH } from './epoch-flag.ts';
import type { EvaluateFlags } from './evaluate.ts';
import type { ExplainFlags } from './explain.ts';
import { loadPluginFlags, takePlugins } from './plugin-flags.ts';
import type { PredictFlags } from './predict.ts';
import { addImportCommand } from './import-program.ts';
import { addReproduceCommand } from './reproduce-program.ts';
import { addSweepCommands } from './sweep-program.ts';
import { errorText } from '../terminal/status-line.ts';
import type { TrainCommand } from './train.ts';
import { addTrainOptions, trainHelpText } from './train-options.ts';

/** The flags that other commands share with `train`. */
const described = (name: 'root' | 'exif' | 'descriptions'): string => runSettings.shape[name].description ?? name;

const RUN = 'folder of the run or the one above it, a part of its name, or "latest"';
const PLUGIN = 'module that registers methods or data sets of another package: a file, or a package; may be repeated';
const classes = (what: string): Option => new Option('--classes <which>', what).choices(['all', 'base', 'new']);

/** Takes the exit code of a command. */
type Finish = (code: number) => void;

function program(plugins: readonly PluginRecord[], finish: Finish): Command {
  const main = new Command(command('').trim())
    .description('Prompt learning on a frozen CLIP.')
    .showHelpAfterError('(add --help for what there is)')
    .exitOverride();
  addTrainCommand(main, plugins, finish);
  addEvaluateCommand(main, finish);
  addPredictCommand(main, finish);
  addImportCommand(main, plugins, finish);
  addCompareCommand(main, finish);
  addExplainCommand(main, finish);
  addSweepCommands(main, finish);
  addReproduceCommand(main, finish);
  for (const one of main.commands) one.option('--plugin <file>', PLUGIN);
  return main;
}

function addTrainCommand(main: Command, plugins: readonly PluginRecord[], finish: Finish): void {
  const train = main.command('train').description('learn prompts on a folder of pictures and show what was gained');
  addTrainOptions(train).action(async (flags: TrainCommand) => {
    if (flags.help) process.stdout.write(await trainHelpText(train, flags));
    else finish(await (await import('./train.ts')).trainCommand({ ...flags, plugins }));
  });
}

function addEvaluateCommand(main: Command, finish: Finish): void {
  main
    .command('evaluate')
    .description(
      'measure finished runs on their test pictures, on other classes, or on other data sets; exit code 0: all, 3: some are gaps, 1: none',
    )
    .argument('<runs...>', `each the ${RUN}`)
    .option('--data <data>', "other data sets than the run's, with commas")
    .option('--root <folder>', described('root'))
    .option('--allow-outside', 'let a table name files outside of its folder')
    .addOption(classes('which classes'))
    .option(
      '--unknown <pictures>',
      'a folder of pictures that belong to no class, or a data set: how well certainty tells them apart; may be repeated',
      (one: string, before: readonly string[] = []) => [...before, one],
    )
    .option('--descriptions <file>', described('descriptions'))
    .option('--template <text>', 'another prompt, with {} for the class name, for zero-shot and methods that read it')
    .option('--class-names <file>', 'other names for all classes of the data, by label: one a line, or a JSON list')
    .option(...LOAD_EPOCH)
    .option('--runs <folder>', 'folder of all runs', 'runs')
    .option('--model <model>', 'where the base model lies now')
    .option(CACHE_FLAG, CACHE_HELP)
    .action(async (runs: string[], flags: EvaluateFlags) =>
      finish(await (await import('./evaluate.ts')).evaluateCommand(runs, flags)),
    );
}

function addPredictCommand(main: Command, finish: Finish): void {
  const predict = main
    .command('predict')
    .description(
      'classify pictures with what a run learnt, files or shards of millions; exit code 0: all files, 3: some could not be read, 1: none',
    )
    .argument('<run>', RUN)
    .argument(
      '<pictures...>',
      'files, folders with pictures, or patterns such as "photos/**/*.jpg"; with --out: webdataset .tar files, .parquet lists of pictures, or folders of them',
    )
    .option(
      '--out <folder>',
      'for shards: where NAME.parquet (or .jsonl, .csv) of each is written, and last NAME.json; finished shards are skipped',
    )
    .option('--top <count>', 'classes per picture', '5')
    .addOption(new Option('--json', 'write JSON').conflicts(['csv', 'jsonl']))
    .addOption(new Option('--jsonl', 'write a line of JSON for each file as it is done').conflicts('csv'))
    .option('--csv', 'write CSV')
    .option('--threshold <probability>', 'say "unsure" where the best class has less, from 0 to 1')
    .option('--copy-to <folder>', 'copy the files there, in a folder a class')
    .option(...LOAD_EPOCH)
    .addOption(new Option('--exif <how>', `${described('exif')}; here: as the run was trained`).choices(['ignore', 'apply']))
    .option('--runs <folder>', 'folder of all runs', 'runs')
    .option('--model <model>', 'where the base model lies now')
    .action(async (run: string, files: string[], flags: PredictFlags) =>
      finish(await (await import('./predict.ts')).predictCommand(run, files, flags)),
    );
  addShardFlags(predict);
}

function addCompareCommand(main: Command, finish: Finish): void {
  main
    .command('compare')
    .description('a table of runs; those that differ in their seed alone are averaged')
    .argument('<runs...>', 'folders of runs, or folders above them')
    .option('--csv', 'write CSV')
    .action(async (runs: string[], flags: { csv?: boolean }) =>
      finish(await (await import('./compare.ts')).compareCommand(runs, flags)),
    );
}

function addExplainCommand(main: Command, finish: Finish): void {
  main
    .command('explain')
    .description('the words nearest to what a run learnt, and its report anew; of another epoch the words alone')
    .argument('<run>', RUN)
    .option(...LOAD_EPOCH)
    .option('--runs <folder>', 'folder of all runs', 'runs')
    .option('--model <model>', 'where the base model lies now')
    .action(async (run: string, flags: ExplainFlags) => finish(await (await import('./explain.ts')).explainCommand(run, flags)));
}

/** Runs a command line. @returns exit code: 0 done, 1 an error that was reported, 3 done in part, 130 stopped by Ctrl-C */
export async function main(words: readonly string[]): Promise<number> {
  let code = 0;
  try {
    const { plugins, rest } = takePlugins(words);
    const records = await loadPluginFlags(plugins);
    await program(records, (given) => {
      code = given;
    }).parseAsync(rest, { from: 'user' });
  } catch (error) {
    // Commander has already printed its message, or the help.
    if (error instanceof CommanderError) return error.exitCode;
    if (error instanceof TensorError) process.stderr.write(errorText(error));
    else if (isSystemError(error))
      process.stderr.write(
        `error: ${printable(error.message)}\n       check that the disk has room and that the path may be read and written\n`,
      );
    else throw error;
    code = 1;
  }
  return code;
}

/** Whether the operating system refused something (ENOSPC, EACCES): not an error of the program, so a stack would not help. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}
