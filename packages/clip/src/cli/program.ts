/** The command `clip`: zero-shot classification and embeddings of files and folders. */
import { readFile } from 'node:fs/promises';
import { Device, InputError, l2Normalize, type Tensor } from '@mudpt/tensor';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Clip } from '../clip.ts';
import { type Descriptions, descriptionsFor, parseDescriptions } from '../descriptions.ts';
import type { TowerName, WeightDType } from '../weight-shapes.ts';
import { loadClip, type LoadProgress } from '../weights/index.ts';
import { DEFAULT_TEMPLATES } from '../zero-shot.ts';
import { type PreparedFile, preparedBatches } from './batches.ts';
import { EMBEDDING_FORMATS } from './embedding.ts';
import { embedShards, type EmbedShardsFlags } from './embed-shards.ts';
import { listImages } from './images.ts';
import { type Format, Writer } from './output.ts';
import { printable } from '../printable.ts';
import { OutputFile } from './output-file.ts';
import { addShardFlags } from '../shards/flags.ts';

/** The command's surroundings: console, terminal, exit status, and what tests replace. */
export type Surroundings = {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Whether progress is shown. */
  readonly isTerminal: boolean;
  readonly signal: AbortSignal;
  /** Called with the number of files that could not be read, once it is known. */
  readonly onUnreadable: (count: number, of: number) => void;
  readonly open: () => Promise<Device>;
};

type Shared = {
  readonly format: Format;
  readonly output?: string;
  readonly batch: number;
  readonly exif: 'ignore' | 'apply';
  readonly dtype?: WeightDType;
  readonly revision?: string;
  readonly offline?: boolean;
};
type ZeroShotFlags = Shared & {
  readonly label?: readonly string[];
  readonly labels?: string;
  readonly template?: readonly string[];
  readonly templates?: string;
  readonly descriptions?: string;
  readonly top?: number;
};
type EmbedFlags = Shared & { readonly text?: readonly string[]; readonly texts?: string; readonly normalize?: boolean };

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
  withShared(program.command('zeroshot'))
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
    .option('--top <n>', 'labels told per image (default all)', whole)
    .action((model: string, images: string[], flags: ZeroShotFlags) => zeroShot(model, images, flags, around));
  withShared(program.command('embed'))
    .description('Writes the features of images and texts')
    .argument('<model>', MODEL)
    .argument('[images...]', 'files, or folders that are walked whole; exit code 0: all were read, 3: some, 1: none')
    .option('--text <text>', 'a text; may be given several times', collect)
    .option('--texts <file>', 'texts, one a line')
    .option('--normalize', 'divide every feature by its length')
    .action((model: string, images: string[], flags: EmbedFlags) => embed(model, images, flags, around));
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
    .option('--batch <n>', 'images that go through the model at once', whole, 32)
    .addOption(new Option('--exif <how>', 'as in embed').choices(['ignore', 'apply']).default('ignore'))
    .addOption(new Option('--dtype <dtype>', 'how weights are kept on the device').choices(['f32', 'f16']))
    .option('--normalize', 'divide every feature by its length')
    .action((model: string, paths: string[], flags: EmbedShardsFlags) => runEmbedShards(model, paths, flags, around));
  return program;
}

function withShared(command: Command): Command {
  return command
    .addOption(new Option('-f, --format <format>', 'of the output').choices(['json', 'jsonl', 'csv']).default('json'))
    .option('-o, --output <file>', 'where to write (default: standard output)')
    .option('--batch <n>', 'images that go through the model at once', whole, 32)
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

function whole(value: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError('Give a whole number of at least 1.');
}

async function zeroShot(model: string, paths: readonly string[], flags: ZeroShotFlags, around: Surroundings): Promise<void> {
  const described = flags.descriptions === undefined ? undefined : await descriptionsOf(flags.descriptions);
  const named = [...(flags.label ?? []), ...(await linesOf(flags.labels))];
  const labels = named.length === 0 && described ? [...described.keys()] : named;
  const given = [...(flags.template ?? []), ...(await linesOf(flags.templates))];
  const templates = given.length > 0 ? given : DEFAULT_TEMPLATES;
  if (labels.length === 0) throw new InputError('clip zeroshot', 'there are no labels', 'give --label or --labels');
  if (described && given.length > 0)
    throw new InputError('clip zeroshot', 'there are descriptions and templates', 'give one or the other');
  const sentences = described && descriptionsFor(described, labels, flags.descriptions ?? '');
  const files = await listImages(paths);
  const { signal } = around;
  await withModel(model, ['image', 'text'], flags, around, async (clip, writer) => {
    using classes = sentences && (await clip.descriptionFeatures(sentences, { signal }));
    const options = { signal, ...(flags.top && { top: flags.top }) };
    const predict = (images: Tensor) =>
      classes ? clip.rankImages(images, classes, labels, options) : clip.zeroShot(images, labels, templates, options);
    await forBatches(clip, files, flags, around, async (images, prepared) => {
      const found = images ? await predict(images) : [];
      for (const { file, why } of prepared) {
        if (why !== undefined) {
          const nothing = { rank: '', label: '', probability: '', logit: '' };
          writer.add({ file, status: 'error', predictions: [], error: why }, [{ file, ...nothing, status: 'error', error: why }]);
          continue;
        }
        const told = (found.shift() ?? []).map(({ label, probability, logit }) => ({ label, probability, logit }));
        writer.add(
          { file, status: 'ok', predictions: told },
          told.map((one, place) => ({ file, rank: place + 1, ...one, status: 'ok', error: '' })),
        );
      }
    });
  });
}

async function embed(model: string, paths: readonly string[], flags: EmbedFlags, around: Surroundings): Promise<void> {
  const texts = [...(flags.text ?? []), ...(await linesOf(flags.texts))];
  if (paths.length + texts.length === 0)
    throw new InputError('clip embed', 'there is nothing to embed', 'give images, --text or --texts');
  const files = await listImages(paths);
  const towers: TowerName[] = [
    ...(files.length > 0 ? (['image'] as const) : []),
    ...(texts.length > 0 ? (['text'] as const) : []),
  ];
  await withModel(model, towers, flags, around, async (clip, writer) => {
    const write = async (kind: 'file' | 'text', names: readonly string[], features: Tensor): Promise<void> => {
      using unit = flags.normalize ? l2Normalize(features, -1) : undefined;
      const values = await (unit ?? features).data();
      for (const [index, name] of names.entries()) {
        const embedding = [...values.subarray(index * clip.config.embed, (index + 1) * clip.config.embed)];
        writer.add({ [kind]: name, status: 'ok', embedding }, [{ kind, source: name, status: 'ok', error: '', e: embedding }]);
      }
    };
    const nothing = Array.from({ length: clip.config.embed }, () => '');
    await forBatches(clip, files, flags, around, async (images, prepared) => {
      const names = prepared.filter(({ why }) => why === undefined).map(({ file }) => file);
      if (images) {
        using features = await clip.encodeImage(images, { signal: around.signal });
        await write('file', names, features);
      }
      for (const { file, why } of prepared)
        if (why !== undefined)
          writer.add({ file, status: 'error', error: why }, [
            { kind: 'file', source: file, status: 'error', error: why, e: nothing },
          ]);
    });
    if (texts.length === 0) return;
    using features = await clip.encodeText(texts, { signal: around.signal });
    await write('text', texts, features);
  });
}

/** Loads the model, opens the output, runs `body`, and releases all. */
async function withModel(
  model: string,
  towers: readonly TowerName[],
  { format, output, dtype, revision, offline }: Shared,
  around: Surroundings,
  body: (clip: Clip, writer: Writer) => Promise<void>,
): Promise<void> {
  const { signal } = around;
  const device = await around.open();
  const onProgress = ({ stage, loaded, total }: LoadProgress): void =>
    progress(around, `${stage} ${(loaded / 2 ** 20).toFixed(0)} of ${(total / 2 ** 20).toFixed(0)} MiB`);
  const hub = { ...(revision !== undefined && { revision }), ...(offline && { offline }) };
  using clip = await loadClip(model, { device, towers, onProgress, signal, ...(dtype && { dtype }), ...hub });
  const file = output === undefined ? undefined : await OutputFile.open(output);
  const writer = new Writer(format, file ? (text) => file.write(text) : around.stdout);
  try {
    await body(clip, writer);
    writer.end();
    await file?.finish();
  } finally {
    progress(around, '');
    await file?.discard();
  }
}

/** Prepares all files ahead of their use, and gives `body` batch after batch; files that cannot be read stop nothing. */
async function forBatches(
  clip: Clip,
  files: readonly string[],
  { batch, exif }: Shared,
  around: Surroundings,
  body: (images: Tensor | undefined, files: readonly PreparedFile[]) => Promise<void>,
): Promise<void> {
  if (files.length === 0) return;
  const { device, config } = clip;
  const { normalization, resizing } = config;
  const options = { config: config.image, normalization, resizing, batch, exif, signal: around.signal };
  let [done, bad] = [0, 0];
  for await (const { images, prepared } of preparedBatches(files, options, device)) {
    using _batch = images;
    await body(images, prepared);
    done += prepared.length;
    bad += prepared.filter(({ why }) => why !== undefined).length;
    progress(around, `${done} of ${files.length} images`);
  }
  if (bad > 0) around.onUnreadable(bad, files.length);
}

/** One line that is written over. */
function progress({ isTerminal, stderr }: Surroundings, text: string): void {
  if (isTerminal) stderr(`\r\u001b[2K${printable(text).slice(0, 79)}`);
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

async function descriptionsOf(path: string): Promise<Descriptions> {
  return parseDescriptions(await readFile(path, 'utf8'), path);
}

async function linesOf(path: string | undefined): Promise<string[]> {
  if (path === undefined) return [];
  const text = await readFile(path, 'utf8');
  return text.split(/\r?\n/).filter((one) => one.trim() !== '');
}
