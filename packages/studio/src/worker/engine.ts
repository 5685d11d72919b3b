/** The worker that computes: model, training, predictions. Its calls use the device one after another. */
import type { Clip, LoadProgress } from '@mudpt/clip';
import type { Item, Method } from 'mudpt/core';
import { openClip } from '../model/clip-source.ts';
import { datasetOf } from '../model/dataset.ts';
import { FeatureCache } from '../model/features.ts';
import { hubModel, lookAtHub } from '../model/hub.ts';
import { createMethod, learn } from '../model/learn.ts';
import { measure, type TunedFacts } from '../model/measure.ts';
import { planOf } from '../model/plan.ts';
import { configOf, exifOf, readPrompts, writePrompts } from '../model/prompts.ts';
import { markPaused } from '../model/recorder.ts';
import { methodFacts } from '../model/settings.ts';
import { database } from '../project/store.ts';
import { classifyImages } from './classify.ts';
import { DeviceQueue } from './device-queue.ts';
import type {
  Classified,
  EngineCalls,
  EngineEvent,
  LearntDescription,
  Measured,
  ModelFacts,
  ModelSource,
  PromptFiles,
  TrainingOutcome,
  TrainingRequest,
  WireDataset,
} from './protocol.ts';
import { pageError, serve } from './rpc.ts';

/** A model on the device, with the features that were computed with it. */
interface Loaded {
  readonly clip: Clip;
  readonly facts: ModelFacts;
  /** Features of images as they are stored, and of images turned upright. */
  readonly cache: FeatureCache;
  readonly uprightCache: FeatureCache;
}

/** A tuned method, ready to use. */
interface Tuned {
  readonly method: Method;
  readonly files: PromptFiles;
  readonly facts: TunedFacts;
}

/** Modules that show results, loaded when there are results. */
const drawings = () => import('mudpt/report');
const inside = () => import('../model/inside.ts');

class Engine {
  private source: ModelSource = { kind: 'embedded' };
  private loaded: Loaded | undefined;
  private tuned: Tuned | undefined;
  private pausing: AbortController | undefined;
  private readonly queue: DeviceQueue;

  constructor(private readonly tell: (event: EngineEvent) => void) {
    this.queue = new DeviceQueue(tell, () => this.reload());
  }

  /** Loads the model, and what was learnt on it, onto a new device. */
  private async reload(): Promise<void> {
    const { files } = this.tuned ?? {};
    [this.tuned, this.loaded] = [undefined, undefined];
    await this.loadModel(this.source);
    if (files) await this.use(files);
  }

  private async loadModel(source: ModelSource): Promise<Loaded> {
    const { device } = await this.queue.device();
    const { clip, facts } = await openClip(source, device, this.onLoad);
    this.forgetTuned();
    this.loaded?.clip.dispose();
    this.source = source;
    this.loaded = { clip, facts, cache: new FeatureCache(clip), uprightCache: new FeatureCache(clip, 'apply') };
    return this.loaded;
  }

  private model(): Loaded {
    if (this.loaded) return this.loaded;
    throw pageError('noModel');
  }

  private forgetTuned(): void {
    this.tuned?.method.dispose();
    this.tuned = undefined;
  }

  private expectTuned(): Tuned {
    if (this.tuned) return this.tuned;
    throw pageError('nothingLearnt');
  }

  private part =
    (what: string) =>
    (done: number, total: number): void =>
      this.tell({ kind: 'part', what, done, total });

  private onLoad = ({ stage, loaded, total }: LoadProgress): void =>
    this.tell({ kind: 'part', what: stage === 'download' ? 'download' : 'model', done: loaded, total });

  /** @param files kept as they are: what comes from Node goes back to it unchanged */
  private async use(files: PromptFiles): Promise<LearntDescription> {
    const { clip, facts: model } = this.model();
    const read = await readPrompts(files.tensors, files.facts, clip, model);
    this.forgetTuned();
    const facts = { ...read.facts, exif: exifOf(read.facts, files.config) };
    this.tuned = { method: read.method, files, facts };
    return facts;
  }

  private async train(
    dataset: WireDataset,
    request: TrainingRequest,
    { resume }: { readonly resume: boolean },
  ): Promise<TrainingOutcome> {
    const { clip, facts, cache } = this.model();
    const plan = await planOf(dataset, request, facts);
    const chosen = datasetOf(dataset, plan);
    const pausing = new AbortController();
    this.pausing = pausing;
    const method = await createMethod(clip, plan, chosen);
    let isKept = false;
    try {
      const { isStopped, lines, ...learnt } = await learn(method, {
        clip,
        dataset: chosen,
        plan,
        resume,
        signal: pausing.signal,
        tell: this.tell,
      });
      const outcome = { plan, ...learnt };
      if (isStopped) {
        await markPaused();
        return { ...outcome, end: 'paused' };
      }
      clip.device.trim();
      const tests = chosen.splits.test;
      const frozen = await measure({ clip, cache, classes: dataset, items: tests, onProgress: this.part('zero-shot') });
      const tuned = await measure({ clip, cache, method, classes: dataset, items: tests, onProgress: this.part('evaluation') });
      const accuracy = { zeroShot: frozen.metrics.accuracy, tuned: tuned.metrics.accuracy };
      const files = await writePrompts(method, plan, dataset, facts, tests.length > 0 ? accuracy : undefined);
      const whole: TrainingOutcome = { ...outcome, end: 'finished', before: frozen, tuned };
      const db = await database();
      await db.put('result', { prompts: files, outcome: whole, lines }, 'current');
      await db.delete('training', 'current');
      this.forgetTuned();
      this.tuned = { method, files, facts: dataset };
      isKept = true;
      return whole;
    } finally {
      this.pausing = undefined;
      if (!isKept) method.dispose();
    }
  }

  readonly calls: EngineCalls = {
    open: () => this.queue.run(async () => (await this.queue.device()).facts),
    load: async (source) => {
      // A download takes long, and needs no device: other calls need not wait for it.
      if (source.kind === 'hub') await hubModel(source.name, this.onLoad);
      return this.queue.run(async () => (await this.loadModel(source)).facts);
    },
    lookAtHub: async (name) => lookAtHub(name, (await this.queue.device()).facts),
    methods: () => this.queue.run(async () => methodFacts(this.model().facts)),
    plan: (dataset, request) => this.queue.run(() => planOf(dataset, request, this.model().facts)),
    zeroShot: (dataset) =>
      this.queue.run(() => {
        const { clip, cache } = this.model();
        return measure({ clip, cache, classes: dataset, items: itemsOf(dataset.test), onProgress: this.part('zero-shot') });
      }),
    train: (dataset, request, { resume }) => {
      let isFirst = true;
      return this.queue.run(() => {
        // After a lost device training goes on from the kept state.
        const goesOn = { resume: resume || !isFirst };
        isFirst = false;
        return this.train(dataset, request, goesOn);
      });
    },
    pause: async () => this.pausing?.abort(pageError('paused')),
    restore: () =>
      this.queue.run(async () => {
        const kept = await (await database()).get('result', 'current');
        if (!kept) return undefined;
        return this.use(kept.prompts);
      }),
    classify: (images, which, classes) => this.queue.run(() => this.classify(images, which, classes)),
    measureTuned: (dataset) => this.queue.run(() => this.measureTuned(dataset)),
    inside: () =>
      this.queue.run(async () => {
        const { clip } = this.model();
        const { insideOf } = await inside();
        return insideOf(clip, this.expectTuned().method);
      }),
    drawMatrix: async (names, confusion) => (await drawings()).matrixSvg(names, confusion),
    drawPrompts: async (layout, { text: textLayers, image: imageLayers }) =>
      (await drawings()).promptDiagram({ layout, textLayers, imageLayers }).text,
    report: (request) =>
      this.queue.run(async () => {
        const { clip, facts } = this.model();
        const [{ insideOf }, { writeReport }] = [await inside(), await import('../model/report.ts')];
        return writeReport(request, clip, facts, this.tuned && (await insideOf(clip, this.tuned.method)));
      }),
    exportPrompts: async () => this.expectTuned().files,
    importPrompts: (tensors, facts, config) =>
      this.queue.run(async () => {
        const bytes = new Uint8Array(await tensors.arrayBuffer());
        const read = await this.use({ tensors: bytes, facts, config: config ?? (await configOf(facts)) });
        await (await database()).put('result', { prompts: this.expectTuned().files, lines: [] }, 'current');
        return read;
      }),
    forget: () =>
      this.queue.run(async () => {
        this.forgetTuned();
        const db = await database();
        await Promise.all([db.delete('result', 'current'), db.delete('training', 'current')]);
      }),
    memory: async () => {
      const { liveTensors, totalBytes, peakBytes } = (await this.queue.device()).device.memory();
      return { liveTensors, totalBytes, peakBytes };
    },
  };

  private async measureTuned(dataset: WireDataset): Promise<{ readonly before: Measured; readonly tuned: Measured }> {
    const { clip, cache, uprightCache } = this.model();
    const { method, facts } = this.expectTuned();
    const tests = itemsOf(dataset.test);
    const { temperature, exif } = facts;
    // Both see the same pixels.
    const images = { clip, cache: exif ? uprightCache : cache, items: tests };
    const before = await measure({ ...images, classes: dataset, onProgress: this.part('zero-shot') });
    const asLearnt = { ...dataset, temperature, exif };
    const tuned = await measure({ ...images, method, classes: asLearnt, onProgress: this.part('evaluation') });
    return { before, tuned };
  }

  private async classify(
    images: readonly Blob[],
    which: 'tuned' | 'zero-shot',
    classes: Pick<WireDataset, 'classNames' | 'template'>,
  ): Promise<Classified[]> {
    const { clip } = this.model();
    const learnt = this.tuned;
    const tuned = which === 'tuned' ? this.expectTuned() : undefined;
    // The frozen model sees the same pixels as the tuned one beside it.
    const exif = learnt?.facts.exif;
    return classifyImages(images, { clip, method: tuned?.method, classes: tuned?.facts ?? classes, exif });
  }
}

function itemsOf(wire: WireDataset['test']): Item[] {
  return wire.map(({ id, label, image }) => ({ id, label, image }));
}

const engine = new Engine((event) => tell(event));
const tell = serve<EngineEvent>({ ...engine.calls });
