/** The worker that computes: device, model, training. One thing at a time, in the order of asking; a lost device is opened again. */
import { type Clip, decodeImage, type LoadProgress } from '@mudpt/clip';
import type { Item, Method } from 'mudpt/core';
import { openClip } from '../model/clip-source.ts';
import { datasetOf } from '../model/dataset.ts';
import { type OpenDevice, openDevice } from '../model/device.ts';
import { FeatureCache } from '../model/features.ts';
import { hubModel, lookAtHub } from '../model/hub.ts';
import { createMethod, learn } from '../model/learn.ts';
import { measure, predict, type TunedFacts } from '../model/measure.ts';
import { planOf } from '../model/plan.ts';
import { configOf, exifOf, readPrompts, writePrompts } from '../model/prompts.ts';
import { markPaused } from '../model/recorder.ts';
import { methodFacts } from '../model/settings.ts';
import { database } from '../project/store.ts';
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
import { pageError, serve, type Told, toldOf } from './rpc.ts';

/** A model on the device, and what hangs on it. */
interface Loaded {
  readonly clip: Clip;
  readonly facts: ModelFacts;
  /** Of images as they are stored, and of those that are turned upright. */
  readonly cache: FeatureCache;
  readonly uprightCache: FeatureCache;
}

/** What was learnt, ready to use. */
interface Tuned {
  readonly method: Method;
  readonly files: PromptFiles;
  readonly facts: TunedFacts;
}

/** What shows results is loaded when there are some. */
const drawings = () => import('mudpt/report');
const inside = () => import('../model/inside.ts');

/** A device may be lost again and again: so often training goes on by itself. */
const MOST_REOPENINGS = 3;

class Engine {
  private opened: OpenDevice | undefined;
  private source: ModelSource = { kind: 'embedded' };
  private loaded: Loaded | undefined;
  private tuned: Tuned | undefined;
  private pausing: AbortController | undefined;
  private isLost = false;
  /** Calls wait for those before them: they share the device. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly tell: (event: EngineEvent) => void) {}

  /** Everything that touches the device. Where it is lost on the way, it is opened again and the work is done anew. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(() => this.surviving(work));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  private async surviving<T>(work: () => Promise<T>): Promise<T> {
    for (let reopenings = 0; ; reopenings += 1) {
      try {
        if (this.isLost) await this.reopen();
        return await work();
      } catch (error) {
        // The browser tells of the loss after the first call has failed by it.
        if (!this.isLost) await new Promise((resume) => setTimeout(resume, 50));
        if (!this.isLost || reopenings >= MOST_REOPENINGS) throw error;
      }
    }
  }

  private async reopen(): Promise<void> {
    const { files } = this.tuned ?? {};
    [this.tuned, this.loaded] = [undefined, undefined];
    this.opened?.device.dispose();
    this.opened = undefined;
    const { facts } = await this.device();
    this.tell({ kind: 'reopened', adapter: facts });
    await this.loadModel(this.source);
    if (files) await this.use(files);
  }

  private async device(): Promise<OpenDevice> {
    if (this.opened && !this.isLost) return this.opened;
    const found = await openDevice((why) => {
      if (this.opened !== found) return;
      this.isLost = true;
      this.tell({ kind: 'lost', why });
    });
    [this.opened, this.isLost] = [found, false];
    return found;
  }

  private async loadModel(source: ModelSource): Promise<Loaded> {
    const { device } = await this.device();
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

  private async train(dataset: WireDataset, request: TrainingRequest, resume: boolean): Promise<TrainingOutcome> {
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
      const frozen = await measure(clip, cache, undefined, dataset, tests, this.part('zero-shot'));
      const tuned = await measure(clip, cache, method, dataset, tests, this.part('evaluation'));
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
    open: () => this.inTurn(async () => (await this.device()).facts),
    load: async (source) => {
      // A download takes long, and needs no device: other calls need not wait for it.
      if (source.kind === 'hub') await hubModel(source.name, this.onLoad);
      return this.inTurn(async () => (await this.loadModel(source)).facts);
    },
    lookAtHub: async (name) => lookAtHub(name, (await this.device()).facts),
    methods: () => this.inTurn(async () => methodFacts(this.model().facts)),
    plan: (dataset, request) => this.inTurn(() => planOf(dataset, request, this.model().facts)),
    zeroShot: (dataset) =>
      this.inTurn(() => {
        const { clip, cache } = this.model();
        return measure(clip, cache, undefined, dataset, itemsOf(dataset.test), this.part('zero-shot'));
      }),
    train: (dataset, request, resume) => {
      let isFirst = true;
      return this.inTurn(() => {
        // After a lost device training goes on from the kept state.
        const isResumed = resume || !isFirst;
        isFirst = false;
        return this.train(dataset, request, isResumed);
      });
    },
    pause: async () => this.pausing?.abort(pageError('paused')),
    restore: () =>
      this.inTurn(async () => {
        const kept = await (await database()).get('result', 'current');
        if (!kept) return undefined;
        return this.use(kept.prompts);
      }),
    classify: (images, which, classes) => this.inTurn(() => this.classify(images, which, classes)),
    measureTuned: (dataset) => this.inTurn(() => this.measureTuned(dataset)),
    inside: () =>
      this.inTurn(async () => {
        const { clip } = this.model();
        const { insideOf } = await inside();
        return insideOf(clip, this.expectTuned().method);
      }),
    drawMatrix: async (names, confusion) => (await drawings()).matrixSvg(names, confusion),
    drawPrompts: async (layout, { text: textLayers, image: imageLayers }) =>
      (await drawings()).promptDiagram({ layout, textLayers, imageLayers }).text,
    report: (request) =>
      this.inTurn(async () => {
        const { clip, facts } = this.model();
        const [{ insideOf }, { writeReport }] = [await inside(), await import('../model/report.ts')];
        return writeReport(request, clip, facts, this.tuned && (await insideOf(clip, this.tuned.method)));
      }),
    exportPrompts: async () => this.expectTuned().files,
    importPrompts: (tensors, facts, config) =>
      this.inTurn(async () => {
        const bytes = new Uint8Array(await tensors.arrayBuffer());
        const read = await this.use({ tensors: bytes, facts, config: config ?? (await configOf(facts)) });
        await (await database()).put('result', { prompts: this.expectTuned().files, lines: [] }, 'current');
        return read;
      }),
    forget: () =>
      this.inTurn(async () => {
        this.forgetTuned();
        const db = await database();
        await Promise.all([db.delete('result', 'current'), db.delete('training', 'current')]);
      }),
    memory: async () => {
      const { liveTensors, totalBytes, peakBytes } = (await this.device()).device.memory();
      return { liveTensors, totalBytes, peakBytes };
    },
  };

  private async measureTuned(dataset: WireDataset): Promise<{ readonly before: Measured; readonly tuned: Measured }> {
    const { clip, cache, uprightCache } = this.model();
    const { method, facts } = this.expectTuned();
    const tests = itemsOf(dataset.test);
    const { temperature, exif } = facts;
    // Both see the same pixels.
    const ofImages = exif ? uprightCache : cache;
    const before = await measure(clip, ofImages, undefined, dataset, tests, this.part('zero-shot'));
    const asLearnt = { ...dataset, temperature, exif };
    const tuned = await measure(clip, ofImages, method, asLearnt, tests, this.part('evaluation'));
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
    // Beside what was learnt the frozen model sees the same pixels.
    const exif = learnt?.facts.exif;
    const items: Item[] = images.map((image, place) => ({ id: String(place), image, label: 0 }));
    // A frame of the camera is seen once: nothing of it is kept.
    const found = await predict(
      clip,
      new FeatureCache(clip, exif),
      tuned?.method,
      tuned?.facts ?? classes,
      items,
      () => undefined,
    );
    const tops = new Map(found.predictions.map(({ item, top }) => [item.id, top]));
    const bad = new Set(found.unreadable.map(({ id }) => id));
    return Promise.all(
      images.map(async (image, place) => {
        const id = String(place);
        const told = bad.has(id) ? await whyUnreadable(image) : undefined;
        return { top: tops.get(id) ?? [], ...(told && { told }) };
      }),
    );
  }
}

/** What is wrong with an image that could not be read, with its code; loaders keep the English alone. */
async function whyUnreadable(image: Blob): Promise<Told | undefined> {
  try {
    await decodeImage(image, image instanceof File ? { name: image.name } : {});
    return undefined;
  } catch (error) {
    return toldOf(error);
  }
}

function itemsOf(wire: WireDataset['test']): Item[] {
  return wire.map(({ id, label, image }) => ({ id, label, image }));
}

const engine = new Engine((event) => tell(event));
const tell = serve<EngineEvent>({ ...engine.calls });
