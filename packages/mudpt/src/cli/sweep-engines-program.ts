/** The options of `sweep slurm`, `sweep kubernetes`, `sweep enqueue` and `sweep worker` on the command line. */
import type { Command } from 'commander';
import type { KubernetesFlags, SlurmFlags, WorkerFlags } from './sweep-engines.ts';

const FOLDER = 'folder of the sweep, which all machines see';
const repeated = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Adds the commands. @param finish takes the exit code */
export function addEngineCommands(sweep: Command, finish: (code: number) => void): void {
  sweep
    .command('slurm')
    .description('write the script of a Slurm job array; runs save before the time limit and go back into the queue')
    .argument('<sweep>', FOLDER)
    .option('--chunk <count>', 'cells a task', '1')
    .option('--at-once <count>', 'tasks at once; default: as many as the cluster gives')
    .option('--time <limit>', 'time limit of a task, as sbatch takes it', '04:00:00')
    .option('--ahead <seconds>', 'before the limit, when a run is asked to save', '180')
    .option('--sbatch <option>', 'a further option: --sbatch=--gres=gpu:1; may be repeated', repeated)
    .option('--submit', 'submit it too')
    .action(async (folder: string, flags: SlurmFlags) =>
      finish(await (await import('./sweep-engines.ts')).slurmCommand(folder, flags)),
    );
  sweep
    .command('kubernetes')
    .description('write an Indexed Job and the Containerfile of its image')
    .argument('<sweep>', FOLDER)
    .requiredOption('--image <name>', 'name of the container image')
    .requiredOption('--claim <name>', 'PersistentVolumeClaim with data, model and sweep')
    .requiredOption('--mount <folder>', 'where it is mounted, here and in the pods')
    .option('--namespace <name>', 'default: the one of kubectl')
    .option('--chunk <count>', 'cells a pod', '1')
    .option('--at-once <count>', 'pods at once', '8')
    .option('--limit <name=amount>', 'a resource of a pod: nvidia.com/gpu=1, memory=8Gi; may be repeated', repeated)
    .action(async (folder: string, flags: KubernetesFlags) =>
      finish(await (await import('./sweep-engines.ts')).kubernetesCommand(folder, flags)),
    );
  sweep
    .command('enqueue')
    .description('put every cell that is not done into a BullMQ queue; failed ones are tried again')
    .argument('<sweep>', FOLDER)
    .requiredOption('--redis <url>', 'redis://HOST:PORT')
    .option('--attempts <count>', 'tries of a cell that fails', '2')
    .action(async (folder: string, flags: { redis: string; attempts: string }) =>
      finish(await (await import('./sweep-engines.ts')).enqueueCommand(folder, flags)),
    );
  sweep
    .command('worker')
    .description('take cells from the queue until none is left')
    .argument('<sweep>', FOLDER)
    .requiredOption('--redis <url>', 'redis://HOST:PORT')
    .option('--silence <seconds>', 'after which the cell of a silent worker goes to another one', '60')
    .option('--stay', 'wait for more when nothing is left')
    .action(async (folder: string, flags: WorkerFlags) =>
      finish(await (await import('./sweep-engines.ts')).workerCommand(folder, flags)),
    );
}
