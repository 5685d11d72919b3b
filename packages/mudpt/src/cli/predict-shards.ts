/** `pnpm predict` over shards: one output for each shard, and a record that marks it as finished. */
import {
  ParquetTable,
  runShardFlags,
  type Shard,
  type ShardFlags,
  type ShardOutput,
  type ShardRow,
  type ShardsAround,
  type ShardTally,
  type ShardWork,
  StreamedFile,
} from '@mudpt/clip/shards';
import { Classifier, type FilePrediction, type NamedProbability, numericsKey, type TunedModel } from '../runs/index.ts';
import { PredictionWriter, statusOf } from './predict-output.ts';

export type ShardForm = 'parquet' | 'jsonl' | 'csv';
type Prediction = readonly NamedProbability[];

export interface ShardPredictionOptions {
  /** How many classes are given for an image. */
  readonly top: number;
  /** Probability below which an image is `unsure`. */
  readonly threshold: number;
  readonly form: ShardForm;
}

/** Classifies the images of shards with what a run learnt. @returns images read, and images that could not be */
export async function predictShards(
  run: TunedModel,
  shards: readonly Shard[],
  options: ShardPredictionOptions,
  flags: ShardFlags & { readonly out: string },
  around: ShardsAround,
): Promise<ShardTally> {
  using classifier = new Classifier(run);
  return await runShardFlags(shards, predictionWork(run, classifier, options), flags, around);
}

function predictionWork(
  { base, config }: TunedModel,
  classifier: Classifier,
  { top, threshold, form }: ShardPredictionOptions,
): ShardWork<Prediction> {
  const { image, normalization, resizing } = base.clip.config;
  const { exif = 'ignore' } = config;
  return {
    facts: { model: base.hash, run: classifier.digest, ...numericsKey(config), exif, top, threshold, format: form },
    size: image.size,
    normalization,
    resizing,
    exif,
    batch: classifier.batch,
    compute: ({ ids, pixels }) => classifier.classify(ids, pixels, top),
    open: (file) => (form === 'parquet' ? new TableOutput(file, threshold) : new TextOutput(file, form, threshold)),
  };
}

/** The entry of an image, in the form that `predict` has for files. */
function asPrediction(row: ShardRow<Prediction>): FilePrediction {
  return 'why' in row ? { file: row.id, top: [], why: row.why } : { file: row.id, top: row.values };
}

/** `NAME.jsonl` or `NAME.csv`, as `predict` writes them of files. */
class TextOutput implements ShardOutput<Prediction> {
  private readonly file: StreamedFile;
  private readonly writer: PredictionWriter;
  private text = '';

  constructor(file: (suffix: string) => string, form: 'jsonl' | 'csv', threshold: number) {
    this.file = new StreamedFile('predict', file(`.${form}`));
    this.writer = new PredictionWriter(form, threshold, (text) => (this.text += text));
  }

  async add(rows: readonly ShardRow<Prediction>[]): Promise<void> {
    for (const row of rows) this.writer.add(asPrediction(row));
    await this.flush();
  }

  async finish(): Promise<void> {
    this.writer.end();
    await this.flush();
    await this.file.finish();
  }

  discard(): Promise<void> {
    return this.file.discard();
  }

  private async flush(): Promise<void> {
    const { text } = this;
    this.text = '';
    if (text !== '') await this.file.writeText(text);
  }
}

/** `NAME.parquet`: a row an image, the likeliest class in columns of its own, the others in lists. */
class TableOutput implements ShardOutput<Prediction> {
  private readonly table: ParquetTable;

  constructor(
    file: (suffix: string) => string,
    private readonly threshold: number,
  ) {
    this.table = new ParquetTable('predict', file('.parquet'), {
      id: 'id',
      status: 'text',
      class: 'text',
      label: 'i32',
      probability: 'f32',
      classes: 'texts',
      probabilities: 'f32s',
      error: 'text',
    });
  }

  add(rows: readonly ShardRow<Prediction>[]): Promise<void> {
    return this.table.add(
      rows.map((row) => {
        const prediction = asPrediction(row);
        const { file: id, top, why = null } = prediction;
        const [best] = top;
        return {
          id,
          status: statusOf(prediction, this.threshold),
          class: best?.name ?? null,
          label: best?.label ?? null,
          probability: best?.probability ?? null,
          classes: best ? top.map(({ name }) => name) : null,
          probabilities: best ? Float32Array.from(top, ({ probability }) => probability) : null,
          error: why,
        };
      }),
    );
  }

  finish(): Promise<void> {
    return this.table.finish();
  }

  discard(): Promise<void> {
    return this.table.discard();
  }
}
