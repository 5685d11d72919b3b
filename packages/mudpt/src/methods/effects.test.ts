/** Every setting of every method changes something that the method is, learns or computes; where it does so only beside others, those are named here. */
import type { Clip } from '@mudpt/clip';
import { scope, type Tensor, tensor } from '@mudpt/tensor';
import { beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { eachDevice, hasDefaultLimits } from '@mudpt/testing/support';
import { numbers } from '@mudpt/testing/numbers';
import { tinyClip, tinyContext } from '../../test/uneven.ts';
import { movedByGradients, secondViews } from '../conformance/numbers.ts';
import { write } from '../conformance/subject.ts';
import { combinedGradients, gradientParts } from '../method/gradients.ts';
import type { FeatureMethod, FeatureSet, Method, PromptMethod } from '../method/method.ts';
import { frozenClip, teacherOf } from '../prompts/frozen.ts';
import { rangeOf, type Setting, settingsOf } from '../settings/fields.ts';
import { methodNamed, methodNames } from './registry.ts';

type Values = Readonly<Record<string, unknown>>;
/** Settings of a method, and whether it is fitted with validation images. */
type Case = { readonly settings: Values; readonly hasValidation: boolean };

/** Settings under which all others are looked at: what the small towers allow, and searches that end soon. */
const BASE: Readonly<Record<string, Values>> = {
  mudpt: { depth: 2 },
  umudpt: { depth: 2 },
  maple: { depth: 2 },
  ivlp: { textDepth: 2, imageDepth: 2 },
  'deep-language': { depth: 2 },
  promptsrc: { textDepth: 2, imageDepth: 2, templates: ['a {}.', 'the {} itself.'], aggregationMean: 1 },
  vpt: { depth: 2 },
  coop: { length: 4 },
  cocoop: { initWords: '', reduction: 4 },
  prograd: { length: 5, template: 'a type of cat, {}.' },
  tcp: { layer: 2, length: 3 },
  atprompt: { form: 'maple', depth: 2 },
  dept: { baseSettings: { length: 3 } },
  mma: { width: 5, firstLayer: 2, lastLayer: 3, scale: 0.5 },
  mmrl: { length: 2, width: 7, firstLayer: 2, lastLayer: 3 },
  coprompt: { depth: 2 },
  promptkd: { depth: 2 },
  'linear-probe': { strengths: [1, 1e-2], searchSteps: 1, maxIterations: 50 },
  'lp-plus-plus': { epochs: 12 },
  'tip-adapter': { betaSteps: 3, alphaSteps: 3, cachePasses: 1, scale: 2 },
  'tip-adapter-f': { betaSteps: 3, alphaSteps: 3, cachePasses: 1, scale: 2, epochs: 2, batchSize: 5 },
};

/** Beside what a setting has its effect, where the others leave it none. */
const BESIDE: Readonly<Record<string, Values>> = {
  'zero-shot withOwn': { selected: true },
  'tip-adapter alpha': { search: false },
  'tip-adapter beta': { search: false },
};

/** Settings that are looked at without validation images, because those choose in their place. */
const UNVALIDATED = /^lp-plus-plus |^linear-probe (withoutValidation|tolerance|maxIterations)$/;

/** Another value, where the type alone gives none that can be. */
const OTHER: Readonly<Record<string, unknown>> = {
  'mma lastLayer': 2,
  'mmrl lastLayer': 2,
  'linear-probe maxIterations': 2,
  'linear-probe searchSteps': 0,
  'linear-probe tolerance': 0.3,
  'linear-probe strengths': [1e3],
  'dept base': 'kgcoop',
  'dept baseSettings': { length: 2 },
  'clip-lora projections': ['v'],
  'atprompt attributes': ['red'],
  'lp-plus-plus alphaEvery': 3,
};

/** The methods that DePT stands on. */
const [{ type: ofBases }] = settingsOf(methodNamed('dept').settings) as [Setting];
const { enum: bases } = z.toJSONSchema(ofBases) as { readonly enum: readonly string[] };

type Within = { readonly name: string; readonly settingsOf: (inner: Values) => Values };

/** What a method alone does not show: its teacher is opened by runs. */
const ELSEWHERE = ['promptkd teacher'];

/** Other values than `now` that the type takes. */
function others({ name, type }: Setting, now: unknown): unknown[] {
  const { enum: choices } = z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' }) as {
    readonly enum?: readonly unknown[];
  };
  if (choices) return choices.filter((one) => one !== now);
  if (typeof now === 'boolean') return [!now];
  if (typeof now === 'string') return [name === 'initWords' ? 'the picture of it' : 'that is the {} itself.'];
  if (Array.isArray(now)) return [['that is the {} itself.']];
  if (typeof now !== 'number') return [];
  const next = rangeOf(type)?.isWhole ? now + 1 : now * 1.5 + 0.01;
  return [type.safeParse(next).success ? next : now / 2];
}

/** What a method is and computes, part after part, cheapest first. */
type Parts = readonly (() => unknown)[];

/** Whether some part of both is another. */
async function differs(one: Parts, other: Parts): Promise<boolean> {
  for (const [index, part] of one.entries())
    if (JSON.stringify(await part()) !== JSON.stringify(await other[index]?.())) return true;
  return false;
}

/** Each part is computed once. */
function remembered(parts: Parts): Parts {
  return parts.map((part) => {
    let known: unknown;
    return () => (known ??= part());
  });
}

async function read(tensors: Iterable<readonly [string, Tensor]>): Promise<readonly (readonly [string, number[]])[]> {
  const found: [string, number[]][] = [];
  for (const [name, one] of tensors) found.push([name, one.size > 0 ? Array.from(await one.data()) : []]);
  return found;
}

eachDevice('settings', (ctx) => {
  beforeEach(({ skip }) => skip(hasDefaultLimits, 'settings mean the same with any limits'));

  const random = (shape: readonly number[], seed: number): Tensor => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    return tensor(numbers(size, seed), { shape, device: ctx.device });
  };

  const create = async (clip: Clip, name: string, settings: Values): Promise<Method> => {
    const context = await tinyContext(clip);
    const definition = methodNamed(name);
    const teacher = definition.needsTeacher && {
      teacher: teacherOf('a frozen CLIP', frozenClip(context), { embed: context.embed, bytes: 0 }),
    };
    return definition.create({ ...context, ...teacher }, settings);
  };

  const ofPrompts = (method: PromptMethod): Parts => {
    const images = random([3, 3, 16, 16], 5);
    const labels = tensor(Int32Array.of(0, 1, 2), { device: ctx.device });
    const step = () => gradientParts(method, images, labels, secondViews(method, images));
    const moved = movedByGradients(method);
    return [
      () => [method.spec, method.example, [...(method.rateFactors ?? [])], method.inputs?.views],
      () => read(method.learnable),
      async () => {
        // Away from where it begins: zeros hide what is multiplied with them.
        for (const [index, parameter] of [...moved.values()].entries())
          if (parameter.size > 0)
            write(
              parameter,
              Array.from(await parameter.data(), (value, at) => value + 0.1 * Math.sin(at + index)),
            );
        return Array.from(await method.evaluate(images).data());
      },
      () => scope(() => step().value.loss.item()),
      () =>
        scope(() => {
          const combined = combinedGradients(method, step().parts);
          return read([...moved].map(([name, parameter]) => [name, combined.of(parameter)] as const));
        }),
      () => {
        for (const epoch of [0, 1, 2]) method.endEpoch?.(epoch, 3);
        return read([...method.learnable, ...method.state]);
      },
    ];
  };

  const ofFeatures = (method: FeatureMethod, hasValidation: boolean): Parts => {
    // Classes that features tell apart, some of them wrongly: then it matters what is chosen on validation.
    const setOf = (perClass: number, seed: number): FeatureSet => {
      const labels = Int32Array.from({ length: perClass * 4 }, (_, row) => row % 4);
      const [centres, noise] = [numbers(4 * 16, 9), numbers(labels.length * 16, seed)];
      const values = Float32Array.from(noise, (value, at) => (centres[at % centres.length] as number) + 2 * value);
      return { features: tensor(values, { shape: [labels.length, 16], device: ctx.device }), labels };
    };
    const augmented = Array.from({ length: method.augmentedPasses }, (_, pass) => setOf(3, 20 + pass));
    return [
      () => [method.augmentedPasses, method.cropScale],
      async () => {
        const { chosen } = await method.fit({ train: setOf(3, 1), val: hasValidation ? setOf(12, 2) : undefined, augmented });
        return [chosen, await read(method.learnable), Array.from(await method.evaluate(random([5, 16], 8)).data())];
      },
    ];
  };

  /** @param within a method that takes settings of this one, and how they stand among its own */
  const expectEffects = async (name: string, within: Within = { name, settingsOf: (inner) => inner }): Promise<void> => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const methods: Method[] = [];
      const partsOf = async ({ settings, hasValidation }: Case): Promise<Parts> => {
        const method = await create(clip, within.name, within.settingsOf(settings));
        methods.push(method);
        return remembered(method.kind === 'prompts' ? ofPrompts(method) : ofFeatures(method, hasValidation));
      };
      const known = new Map<string, Parts>();
      const idle: string[] = [];
      const schema = methodNamed(name).settings;
      for (const field of settingsOf(schema)) {
        const key = `${name} ${field.name}`;
        if (ELSEWHERE.includes(key)) continue;
        const base: Case = { settings: { ...BASE[name], ...BESIDE[key] }, hasValidation: !UNVALIDATED.test(key) };
        const now = (schema.parse(base.settings) as Values)[field.name];
        const values = key in OTHER ? [OTHER[key]] : others(field, now);
        expect(values, `another value of ${key}`).not.toEqual([]);
        const expected = known.get(JSON.stringify(base)) ?? (await partsOf(base));
        known.set(JSON.stringify(base), expected);
        for (const value of values) {
          const changed = await partsOf({ ...base, settings: { ...base.settings, [field.name]: value } });
          if (!(await differs(changed, expected))) idle.push(`${key} = ${JSON.stringify(value)}`);
        }
      }
      expect(idle).toEqual([]);
      for (const method of methods.toReversed()) method.dispose();
    });
  };

  it.each(methodNames())('of %s have an effect', (name) => expectEffects(name));

  it.each(bases)('of %s have an effect in DePT', (name) =>
    expectEffects(name, { name: 'dept', settingsOf: (baseSettings) => ({ base: name, baseSettings }) }),
  );
});
