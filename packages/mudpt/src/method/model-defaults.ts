/** Settings that nobody asked for, as a base model wants them: how the embedded one is trained, and counts of layers that a small one has. */
import { decidedSetting } from '../settings/decided.ts';
import { rangeOf, type Setting, settingsOf } from '../settings/fields.ts';
import type { MethodDefinition } from './definition.ts';
import type { TrainingInput } from './training-settings.ts';

/**
 * What training takes on the embedded model: some 300 updates for 18 classes of 16 shots (110 leave half of what prompts gain), and crops that
 * leave a drawing whole, because it never saw a part of one.
 */
const COMMON = { batchSize: 16, epochs: 20, augmentation: 'crop', cropScale: [0.9, 1] } as const;

/** Rate of SGD for methods that were not searched for; 0.1 and more are unstable, above all with prompts in the image tower. */
const RATE = 0.02;
/** What did best on validation images of `icons`, of a third, once and three times a first choice (docs/evidence.md, Settings); PromptKD's was not searched for. */
const RATES: Readonly<Record<string, number>> = {
  coop: 0.06,
  cocoop: 0.06,
  kgcoop: 0.06,
  prograd: 0.06,
  'deep-language': 0.06,
  coprompt: 0.06,
  maple: 0.007,
  promptsrc: 0.007,
  mudpt: 0.007,
  atprompt: 0.007,
  dept: 0.01,
  'clip-lora': 0.006,
  mmrl: 0.002,
  tcp: 0.002,
  prolip: 0.006,
  promptkd: 0.005,
};
/** Strengths that the same search preferred to the published ones. */
const STRENGTHS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  mma: { scale: 0.01 },
  tcp: { distanceWeight: 0.8 },
  'clip-adapter': { ratio: 0.6 },
  taskres: { residualWeight: 2 },
};

/**
 * Training settings where the configuration is silent and the base model is the embedded one; the published ones were made for ViT-B/16 on
 * photographs. Methods that are trained on features keep what was published for them, as do those that take one image at a time and were not searched for.
 */
export function embeddedTraining({ name, training }: Pick<MethodDefinition, 'name' | 'training'>): TrainingInput {
  const { optimizer, batchSize } = training?.parse({}) ?? { optimizer: undefined, batchSize: 1 };
  const chosen = RATES[name];
  if (chosen === undefined && (optimizer !== 'sgd' || batchSize === 1)) return {};
  return { ...COMMON, cropScale: [...COMMON.cropScale], lr: chosen ?? RATE };
}

/** First words of text prompts: with these, training begins at the zero-shot prompt of the drawn sets, whose first words they are. */
const WORDS = { initWords: 'an icon of a', length: 4 } as const;

/**
 * A method's settings where the configuration is silent and the base model is the embedded one.
 * @param asked what was set by name: words that decide it otherwise (CoOp's, the length of its context) are left out
 */
export function embeddedSettings(
  { name, settings }: Pick<MethodDefinition, 'name' | 'settings'>,
  asked: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const fields = settingsOf(settings);
  const names = new Set(fields.map((field) => field.name));
  const isDecided = asked['initWords'] === undefined && decidedSetting(fields, WORDS, asked) !== undefined;
  const takesWords = names.has('initWords') && names.has('length') && !isDecided;
  return { ...(takesWords && WORDS), ...STRENGTHS[name] };
}

/** A setting that counts layers or names one, lowered from what the method usually has to fit the layers of the model. */
export interface LoweredSetting {
  readonly name: string;
  readonly method: string;
  readonly usual: number;
  readonly value: number;
  readonly layers: number;
}

/**
 * A method's settings that count layers may have defaults beyond a small model's. Those that nobody asked for are lowered to what there is; places of
 * blocks move to the same part of the tower, the first and the last alike.
 */
export function settingsForLayers(
  method: string,
  fields: readonly Setting[],
  values: Readonly<Record<string, unknown>>,
  asked: Readonly<Record<string, unknown>>,
  layers: number,
): { settings: Record<string, unknown>; lowered: LoweredSetting[]; notes: string[] } {
  const settings = { ...values };
  const lowered: LoweredSetting[] = [];
  for (const { name, type, metadata } of fields) {
    const usual = settings[name];
    if (typeof usual !== 'number' || asked[name] !== undefined) continue;
    const { counts, amongBlocks, blocksFrom = 1 } = metadata;
    const most = counts === 'layers' ? Math.min(usual, layers) : usual;
    const isMoved = amongBlocks !== undefined && layers < amongBlocks;
    const place = isMoved ? Math.min(Math.ceil((usual * layers) / amongBlocks), layers - 1 + blocksFrom) : most;
    const value = Math.max(place, isMoved ? (rangeOf(type)?.least ?? place) : place);
    if (value === usual) continue;
    settings[name] = value;
    lowered.push({ name, method, usual, value, layers });
  }
  return { settings, lowered, notes: lowered.map(loweredText) };
}

function loweredText({ name, method, usual, value, layers }: LoweredSetting): string {
  return `${name} is ${value}, not ${method}'s usual ${usual}: the model has ${layers} layers`;
}
