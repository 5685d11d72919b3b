/** The options of `import` on the command line. */
import { type Command, Option } from 'commander';
import { importable } from '../import/index.ts';
import type { PluginRecord } from '../plugins/load.ts';
import { runSettings } from '../runs/settings/settings.ts';
import type { ImportFlags } from './import.ts';

/** The flags that it shares with `train`. */
const described = (name: keyof typeof runSettings.shape): string => runSettings.shape[name].description ?? name;
const repeated = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Adds the command. @param finish takes the exit code */
export function addImportCommand(main: Command, plugins: readonly PluginRecord[], finish: (code: number) => void): void {
  main
    .command('import')
    .description("make a run of the authors' released weights (model.pth.tar-N), which evaluates and predicts as any other")
    .argument('<file>', 'the checkpoint, or the folder that Dassl wrote it into')
    .addOption(new Option('--method <method>', 'what was learnt').choices(importable).makeOptionMandatory())
    .option('--epoch <number>', 'another epoch of a folder than its newest')
    .option('--data <data>', described('data'))
    .option('--root <folder>', described('root'))
    .option('--template <text>', described('template'))
    .option('--allow-outside', described('allowOutside'))
    .option('--model <model>', described('model'))
    .option('--shots <count>', 'what it was trained with: pictures per class, or "all"')
    .option('--seed <number>', 'what it was trained with')
    .option('--classes <which>', 'what it was trained with: all, base or new')
    .option('--exif <how>', described('exif'))
    .option('--set <key=value>', 'what shapes do not tell, such as position=front or initWords; may be repeated', repeated)
    .option('--out <folder>', 'folder of all runs', 'runs')
    .option('--fresh', 'import anew where it was imported before')
    .action(async (file: string, flags: ImportFlags) =>
      finish(await (await import('./import.ts')).importCommand(file, { ...flags, plugins })),
    );
}
