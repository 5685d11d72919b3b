/** The command `clip`: zero-shot classification and embeddings of files and folders. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { addShardFlags } from '../shards/flags.ts';
import { DEFAULT_TEMPLATES } from '../zero-shot.ts';
import { EMBEDDING_FORMATS } from './embedding.ts';
import { embed, type EmbedFlags } from './embed.ts';
import { embedShards, type EmbedShardsFlags } from './embed-shards.ts';
import { progress, type Surroundings } from './session.ts';
import { zeroShot, type ZeroShotFlags } from './zeroshot.ts';

const MODEL = 'folder or file of weights, or a name such as ViT-B/16 or openai/clip-vit-base-patch16';

/** A script of the workspace, or the command of the installed package. */
const START = import.meta.url.endsWith('.ts') ? 'pnpm clip' : 'npx mudpt-clip';

/** The command; `parseAsync` runs it. Errors reach the caller. */
export function createProgram(around: Surroundings): Command {
  const program = new Command(START)
    .description('CLIP on files and folders')
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)');
  program.configureOutput({ writeOut: around.stdout, writeErr: around.stderr });
  addZeroShot(program, around);
  addEmbed(program, around);
  addEmbedShards(program, around);
  return program;
}

function addZeroShot(program: Command, around: Surroundings): void {
  withOutputFlags(program.command('zeroshot'))
    .description('Tells for every image which labels fit it, best first')
    .argument('<model>', MODEL)
    .argument('<images...>', 'files, or folders that are walked whole; exit code 0: all were read, 3: some, 1: none')
    .option('-l, --label <name>', 'a class name; give it once per class', collect)
    .option('--labels <file>', 'class names, one a line')
    .option(
      '-t, --template <text>',
      `a text with {} for the name; several are averaged (default "${DEFAULT_TEMPLATES[0]}")`,
      collect,
    )
    .option('--templates <file>', 'templates, one a line')
    .option(
      '--descriptions <file>',
      'JSON with sentences for every class, {"name": ["sentence", ...]}, averaged in place of templates',
    )
    .option('--top <n>', 'labels told per image (default all)', wholeNumber)
    .action((model: string, images: string[], flags: ZeroShotFlags) => zeroShot(model, images, flags, around));
}

function addEmbed(program: Command, around: Surroundings): void {
  withOutputFlags(program.command('embed'))
    .description('Writes the features of images and texts')
    .argument('<model>', MODEL)
    .argument('[images...]', 'files, or folders that are walked whole; exit code 0: all were read, 3: some, 1: none')
    .option('--text <text>', 'a text; may be given several times', collect)
    .option('--texts <file>', 'texts, one a line')
    .option('--normalize', 'divide every feature by its length')
    .action((model: string, images: string[], flags: EmbedFlags) => embed(model, images, flags, around));
}

function addEmbedShards(program: Command, around: Surroundings): void {
  const shards = program
    .command('embed-shards')
    .description(
      'Writes the features of images in shards: for each NAME.tar or NAME.parquet NAME.npy with NAME.ids.jsonl, or NAME.parquet, and last NAME.json; finished shards are skipped',
    )
    .argument('<model>', MODEL)
    .argument(
      '<shards...>',
      'webdataset .tar files, .parquet lists of images, or folders of them; exit code 0: all images were read, 3: some, 1: none',
    )
    .requiredOption('--out <folder>', 'where to write; shards below a folder keep their folders there')
    .addOption(
      new Option('-f, --format <format>', '.npy and ids, or a Parquet table of id, features, error')
        .choices(EMBEDDING_FORMATS)
        .default('npy'),
    );
  addShardFlags(shards)
    .option('--batch <n>', 'images that go through the model at once', wholeNumber, 32)
    .addOption(new Option('--exif <how>', 'as in embed').choices(['ignore', 'apply']).default('ignore'))
    .addOption(new Option('--dtype <dtype>', 'how weights are kept on the device').choices(['f32', 'f16']))
    .option('--normalize', 'divide every feature by its length')
    .action((model: string, paths: string[], flags: EmbedShardsFlags) => runEmbedShards(model, paths, flags, around));
}

function withOutputFlags(command: Command): Command {
  return command
    .addOption(new Option('-f, --format <format>', 'of the output').choices(['json', 'jsonl', 'csv']).default('json'))
    .option('-o, --output <file>', 'where to write (default: standard output)')
    .option('--batch <n>', 'images that go through the model at once', wholeNumber, 32)
    .addOption(
      new Option(
        '--exif <how>',
        'turn photographs upright by the tag of the camera, or leave pixels as they are stored, as CLIP saw them',
      )
        .choices(['ignore', 'apply'])
        .default('ignore'),
    )
    .addOption(new Option('--dtype <dtype>', 'how weights are kept on the device').choices(['f32', 'f16']))
    .option('--revision <name>', 'branch, tag or commit of a model of the hub')
    .option('--offline', 'take models of the hub from the cache only');
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError('Give a whole number of at least 1.');
}

async function runEmbedShards(
  model: string,
  paths: readonly string[],
  flags: EmbedShardsFlags,
  around: Surroundings,
): Promise<void> {
  const { rows, unreadable } = await embedShards(model, paths, flags, {
    signal: around.signal,
    open: around.open,
    tell: (line) => {
      progress(around, '');
      around.stdout(`${line}\n`);
    },
    show: (line) => progress(around, line),
  });
  progress(around, '');
  if (unreadable > 0) around.onUnreadable(unreadable, rows + unreadable);
}
