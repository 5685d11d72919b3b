/** The options of `reproduce` on the command line. */
import { type Command, Option } from 'commander';
import { PROTOCOLS } from '../sweep/protocols.ts';
import type { ReproduceFlags } from './reproduce.ts';

const repeated = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Adds the command. @param finish takes the exit code */
export function addReproduceCommand(main: Command, finish: (code: number) => void): void {
  main
    .command('reproduce')
    .description(
      'measure what was published, the zero-shot column first, and say of every number whether it is within; exit code 0: all are, 1: some are not or are gaps, 75: stopped and saved, run it again',
    )
    .requiredOption('--weights <model>', 'CLIP ViT-B/16: a folder, a .pt file, or a name on the Hugging Face hub')
    .requiredOption('--root <folder>', "folder of the papers' data sets; those that are missing are gaps")
    .addOption(new Option('--table <protocol>', 'a table of learnt prompts after the zero-shot column').choices(PROTOCOLS))
    .option('--methods <names>', 'methods of that table, with commas', 'coop,cocoop,maple,promptsrc')
    .option('--shots <counts>', 'such as 1,16; default: what the table is published with')
    .option('--seeds <numbers>', 'such as 1-3', '1-3')
    .option('--jobs <count>', 'processes at once on this machine', '1')
    .option('--set <key=value>', 'as in sweep plan; may be repeated', repeated)
    .option('--out <folder>', 'folder of the runs and of reproduce.csv', 'reproduced')
    .action(async (flags: ReproduceFlags) => finish(await (await import('./reproduce.ts')).reproduceCommand(flags)));
}
