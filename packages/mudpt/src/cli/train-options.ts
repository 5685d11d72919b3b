/** The options of `train`: one for every setting that has a flag, and those of the command. */
import { type Command, Option } from 'commander';
import { SCHEMAS } from '../runs/settings/schemas.ts';
import { isSwitch } from '../settings/fields.ts';
import { flagsOfAll } from '../runs/settings/input.ts';
import { type Defaults, helpOf, trainDefaults } from './train-help.ts';
import { CACHE_FLAG, CACHE_HELP } from './cache-flag.ts';
import type { TrainCommand } from './train.ts';

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Adds them, and a `--help` that says what a run with the other flags would take. */
export function addTrainOptions(train: Command, schemas = SCHEMAS): Command {
  for (const [flag, [setting]] of flagsOfAll(schemas)) {
    if (!setting) continue;
    const { placeholder = 'value', names: known } = setting.metadata;
    const value = isSwitch(setting) ? '' : ` <${placeholder}>`;
    const description = `${setting.description}${known ? ` (${known().join(', ')})` : ''}`;
    train.addOption(new Option(`--${flag}${value}`, description));
  }
  return train
    .option(
      '--set <key=value>',
      'anything else: a field of config.yaml, a setting of the method or of training; may be repeated',
      collect,
    )
    .option('--config <file>', 'YAML with any of these, such as the config.yaml of a run')
    .option('--out <folder>', 'folder of all runs', 'runs')
    .option(CACHE_FLAG, CACHE_HELP)
    .option('--resume [run]', 'continue a run in place: the one in this folder, or the one that the other flags describe')
    .option('--fresh', 'begin anew where a run of the same configuration is already')
    .option('--dry-run', 'tell the time and memory it would take')
    .option('--check', 'look at the data alone: classes, splits, warnings, every picture')
    .helpOption(false)
    .option('-h, --help', 'what a run with these flags would take, and what else may be set');
}

/** The help of `train` with these flags. @throws InputError, MethodError for flags that no run would take */
export async function trainHelpText(train: Command, flags: TrainCommand, schemas = SCHEMAS): Promise<string> {
  const defaults = await trainDefaults(flags, schemas);
  train.configureHelp({ optionDescription: (option) => withValue(option, defaults) });
  return `${train.helpInformation()}\n${helpOf(defaults)}\n`;
}

function withValue(option: Option, { flags }: Defaults): string {
  const value = flags.get(option.long?.slice(2) ?? '');
  const standard = option.defaultValue === undefined ? undefined : String(option.defaultValue);
  const shown = value ?? standard;
  return shown === undefined ? option.description : `${option.description} [${shown}]`;
}
