/** What the command line understands: `train`, `evaluate`, `predict`, `compare`, `explain`. */
import { printable } from '@mudpt/clip';
import { TensorError } from '@mudpt/tensor';
import { Command, CommanderError, Option } from 'commander';
import { command } from '../command.ts';
import { datasetNames } from '../datasets/index.ts';
import { methodNames } from '../methods/index.ts';
import { resolveConfig, runFields } from '../train/index.ts';
import type { EvaluateFlags } from './evaluate.ts';
import type { ExplainFlags } from './explain.ts';
import type { PredictFlags } from './predict.ts';
import { settingsHelp } from './settings-help.ts';
import { errorText } from './terminal.ts';
import type { TrainCommand } from './train.ts';

const STANDARD = resolveConfig({});

/** A field of a run and its default. */
function described(name: 'model' | 'method' | 'shots' | 'seed'): string {
  return `${runFields[name]}; default ${STANDARD[name]}`;
}

const RUN = 'folder of the run or the one above it, a part of its name, or "latest"';
const EXIF =
  'turn photographs upright by the tag of the camera, or leave pixels as they are stored (default: as CLIP and the papers saw them)';
const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
const classes = (what: string): Option => new Option('--classes <which>', what).choices(['all', 'base', 'new']);

function program(finish: (code: number) => void): Command {
  const main = new Command(command('').trim())
    .description('Prompt learning on a frozen CLIP.')
    .showHelpAfterError('(add --help for what there is)')
    .exitOverride();
  main
    .command('train')
    .description('learn prompts on a folder of pictures and show what was gained')
    .option(
      '--data <data>',
      `folder with a folder per class, CoOp split file (.json), table (.csv), or a name (${datasetNames().join(', ')}); default ${STANDARD.data}`,
    )
    .option('--root <folder>', runFields['root'])
    .option('--template <text>', runFields['template'])
    .option('--allow-outside', 'let a table name files outside of its folder')
    .option('--model <model>', described('model'))
    .option(
      '--method <method>',
      `${described('method')}; one of ${methodNames().join(', ')}, or auto: prompts and what is fitted in seconds, the best on validation`,
    )
    .option('--shots <count>', described('shots'))
    .option('--seed <number>', described('seed'))
    .option('--epochs <count>', 'passes over the training pictures')
    .option('--depth <count>', 'layers that take prompts, the input counted as the first')
    .option('--length <count>', 'prompts per layer')
    .option('--batch <count>', 'pictures per step')
    .option('--lr <rate>', 'learning rate')
    .addOption(classes('train on all classes or one half of them'))
    .addOption(new Option('--exif <how>', EXIF).choices(['ignore', 'apply']))
    .option('--memory <size>', runFields['memory'])
    .option(
      '--set <key=value>',
      'anything else: a field of config.yaml, a setting of the method or of training; may be repeated',
      collect,
    )
    .option('--config <file>', 'YAML with any of these, such as the config.yaml of a run')
    .option('--out <folder>', 'folder of all runs', 'runs')
    .option('--resume [run]', 'continue a run in place: the one in this folder, or the one that the other flags describe')
    .option('--fresh', 'begin anew where a run of the same configuration is already')
    .option('--dry-run', 'tell the time and memory it would take')
    .option('--check', 'look at the data alone: classes, splits, warnings, every picture')
    .addHelpText('after', (context) => `\n${settingsHelp(context.command.opts<TrainCommand>().method)}`)
    .action(async (flags: TrainCommand) => finish(await (await import('./train.ts')).trainCommand(flags)));
  main
    .command('evaluate')
    .description('measure a finished run on its test pictures, on other classes, or on another data set')
    .argument('<run>', RUN)
    .option('--data <data>', "another data set than the run's")
    .option('--root <folder>', runFields['root'])
    .option('--allow-outside', 'let a table name files outside of its folder')
    .addOption(classes('which classes'))
    .option('--runs <folder>', 'folder of all runs', 'runs')
    .option('--model <model>', 'where the base model lies now')
    .action(async (run: string, flags: EvaluateFlags) =>
      finish(await (await import('./evaluate.ts')).evaluateCommand(run, flags)),
    );
  main
    .command('predict')
    .description('classify pictures with what a run learnt; exit code 0: all files, 3: some could not be read, 1: none')
    .argument('<run>', RUN)
    .argument('<pictures...>', 'files, folders with pictures, or patterns such as "photos/**/*.jpg"')
    .option('--top <count>', 'classes per picture', '5')
    .addOption(new Option('--json', 'write JSON').conflicts(['csv', 'jsonl']))
    .addOption(new Option('--jsonl', 'write a line of JSON for each file as it is done').conflicts('csv'))
    .option('--csv', 'write CSV')
    .option('--threshold <probability>', 'say "unsure" where the best class has less, from 0 to 1')
    .option('--copy-to <folder>', 'copy the files there, in a folder a class')
    .addOption(new Option('--exif <how>', `${EXIF}; here: as the run was trained`).choices(['ignore', 'apply']))
    .option('--runs <folder>', 'folder of all runs', 'runs')
    .option('--model <model>', 'where the base model lies now')
    .action(async (run: string, files: string[], flags: PredictFlags) =>
      finish(await (await import('./predict.ts')).predictCommand(run, files, flags)),
    );
  main
    .command('compare')
    .description('a table of runs; those that differ in their seed alone are averaged')
    .argument('<runs...>', 'folders of runs, or folders above them')
    .option('--csv', 'write CSV')
    .action(async (runs: string[], flags: { csv?: boolean }) =>
      finish(await (await import('./compare.ts')).compareCommand(runs, flags)),
    );
  main
    .command('explain')
    .description('the words nearest to what a run learnt, and its report anew')
    .argument('<run>', RUN)
    .option('--runs <folder>', 'folder of all runs', 'runs')
    .option('--model <model>', 'where the base model lies now')
    .action(async (run: string, flags: ExplainFlags) => finish(await (await import('./explain.ts')).explainCommand(run, flags)));
  return main;
}

/** Runs the words of a command line. @returns exit code: 0 done, 1 an error that was told, 3 done in part, 130 stopped by Ctrl-C */
export async function main(words: readonly string[]): Promise<number> {
  let code = 0;
  try {
    await program((own) => {
      code = own;
    }).parseAsync(words, { from: 'user' });
  } catch (error) {
    // Commander has written its message, or the help that was asked for.
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

/** What the operating system refused (ENOSPC, EACCES): no fault of the program, so a stack would tell nothing. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}
