/** The method under test, on a small CLIP whose sizes all differ, so that mixed-up sizes cause an error. */
import { noGrad, randomFrom } from '@mudpt/autograd';
import { type Clip, type ClipConfig, clipFromTensors, type ClipOptions, type HostTensor, randomWeights } from '@mudpt/clip';
import { copyInto, type Device, scope, type Tensor, tensor } from '@mudpt/tensor';
import type { ClassContext } from '../method/class-context.ts';
import type { MethodDefinition } from '../method/definition.ts';
import { MethodError } from '../method/errors.ts';
import { frozenClip, teacherOf } from '../prompts/frozen.ts';
import { type FeatureMethod, type Method, type MethodContext, methodContext, type PromptMethod } from '../method/method.ts';

/** The model that checks run on: 3 layers in the image tower, 4 in the text tower, texts of at most 24 tokens. */
export const CONFORMANCE_CONFIG: ClipConfig = {
  embed: 16,
  image: { width: 24, heads: 2, layers: 3, hidden: 48, activation: 'quick_gelu', eps: 1e-5, size: 16, patch: 8 },
  text: { width: 20, heads: 2, layers: 4, hidden: 40, activation: 'quick_gelu', eps: 1e-5, context: 24, vocabulary: 49408 },
};

/** Class names: one twice, one with an underscore, one with digits. */
export const CLASSES: ClassContext = {
  classNames: ['cat', 'great_white shark', 'Boeing 737-800', 'cat'],
  template: 'a photo of a {}.',
};

/** Other classes, fewer, whose texts have other lengths and other beginnings. */
export const OTHER_CLASSES: ClassContext = { classNames: ['tree frog', 'chime', 'cat'], template: 'art of the {}, in blue.' };

/** Weights drawn once for a process: the token embedding alone is a million numbers, and there are hundreds of checks. */
let weights: Record<string, HostTensor> | undefined;

/** The model of {@link CONFORMANCE_CONFIG}, always with the same random weights. @param dtypes of its weights and activations */
export function conformanceClip(device: Device, dtypes: Pick<ClipOptions, 'dtype' | 'activationDType'> = {}): Clip {
  weights ??= randomWeights(CONFORMANCE_CONFIG, randomFrom(11));
  return clipFromTensors(CONFORMANCE_CONFIG, weights, { device, ...dtypes });
}

/** Options of the method under test. */
export interface ConformanceOptions {
  /** Settings that fit {@link CONFORMANCE_CONFIG}. Default: the published ones. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Names of learnt tensors that begin as copies of each other on purpose. */
  readonly copies?: RegExp;
}

export class Subject implements Disposable {
  private readonly methods = new Set<Method>();

  constructor(
    readonly clip: Clip,
    readonly definition: MethodDefinition,
    readonly options: ConformanceOptions,
  ) {}

  get device(): Device {
    return this.clip.device;
  }

  async create(more: Partial<MethodContext> = {}): Promise<Method> {
    const context = await methodContext(this.clip, { ...CLASSES, seed: 3, ...more });
    const { needsTeacher } = this.definition;
    const teacher = needsTeacher && {
      teacher: teacherOf('a frozen CLIP', frozenClip(context), { embed: context.embed, bytes: 0 }),
    };
    return this.adopt(this.definition.create({ ...context, ...teacher, ...more }, this.options.settings ?? {}));
  }

  /** Registers a method to be disposed at the end. */
  adopt<M extends Method>(method: M): M {
    this.methods.add(method);
    return method;
  }

  /** Disposes a method now. */
  release(method: Method): void {
    if (this.methods.delete(method)) method.dispose();
  }

  [Symbol.dispose](): void {
    // In reverse order: methods that share tensors with another were made after it.
    for (const method of [...this.methods].toReversed()) this.release(method);
  }

  async prompts(more?: Partial<MethodContext>): Promise<PromptMethod> {
    const method = await this.create(more);
    if (method.kind === 'prompts') return method;
    throw this.fail('it is fitted to features and states training settings', 'state training: undefined');
  }

  async features(more?: Partial<MethodContext>): Promise<FeatureMethod> {
    const method = await this.create(more);
    if (method.kind === 'features') return method;
    throw this.fail('it learns prompts and states no training settings', 'state training: trainingPreset({ ... })');
  }

  /** Random images and labels. */
  batch(count = 3): { readonly images: Tensor; readonly labels: Tensor } {
    const { device } = this;
    const { size } = CONFORMANCE_CONFIG.image;
    const labels = Int32Array.from({ length: count }, (_, at) => at % CLASSES.classNames.length);
    return { images: this.random([count, 3, size, size], 5), labels: tensor(labels, { device }) };
  }

  /** Numbers from -1 to 1. */
  random(shape: readonly number[], seed: number): Tensor {
    const random = randomFrom(seed);
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1);
    return tensor(values, { shape, device: this.device });
  }

  fail(problem: string, fix: string): MethodError {
    return new MethodError(this.definition.name, problem, fix);
  }
}

/** Runs a check on a CLIP made for it, which is disposed afterwards. */
export async function withSubject(
  device: Device,
  definition: MethodDefinition,
  options: ConformanceOptions,
  body: (subject: Subject) => Promise<void>,
): Promise<void> {
  using clip = conformanceClip(device);
  using subject = new Subject(clip, definition, options);
  await scope(() => body(subject));
}

/** Moves all learnt tensors away from their initial values: zeros would hide mistakes. */
export async function disturb(subject: Subject, { learnable }: PromptMethod): Promise<void> {
  let seed = 100;
  for (const parameter of learnable.values()) if (parameter.size > 0) await addNoise(subject, parameter, seed++);
}

/** Adds numbers from -0.1 to 0.1 in place. */
export async function addNoise(subject: Subject, parameter: Tensor, seed: number): Promise<void> {
  const [values, noise] = [await parameter.data(), subject.random(parameter.shape, seed)];
  const moved = await noise.data();
  write(
    parameter,
    Float32Array.from(values, (value, at) => value + 0.1 * (moved[at] as number)),
  );
}

/** Overwrites the values of a tensor. */
export function write(parameter: Tensor, values: ArrayLike<number>): void {
  noGrad(() =>
    scope(() => copyInto(parameter, tensor(Float32Array.from(values), { shape: parameter.shape, device: parameter.device }))),
  );
}

/** @throws MethodError when the names or shapes of what is learnt differ */
export function copyLearnt(subject: Subject, from: ReadonlyMap<string, Tensor>, to: ReadonlyMap<string, Tensor>): void {
  const shapes = (tensors: ReadonlyMap<string, Tensor>): string =>
    [...tensors].map(([name, { shape }]) => `${name} [${shape.join(', ')}]`).join(', ');
  if (shapes(from) !== shapes(to))
    throw subject.fail(`it has ${shapes(to)} instead of ${shapes(from)}`, 'let names and shapes follow from the settings alone');
  for (const [name, parameter] of to) {
    const source = from.get(name);
    if (source && parameter.size > 0) noGrad(() => copyInto(parameter, source));
  }
}
