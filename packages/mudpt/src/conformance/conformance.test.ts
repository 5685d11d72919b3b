/** The conformance kit on every registered method and on the how-to's example; and faulty methods, which it must reject. */
import { randomFrom } from '@mudpt/autograd';
import { copyInto, keep, mul, scope, type Tensor, zeros } from '@mudpt/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { eachDevice, hasDefaultLimits } from '@mudpt/testing/support';
import { sharedVpt } from '../../test/example-method.ts';
import { FEATURE_METHODS, PROMPT_METHODS } from '../../test/uneven.ts';
import type { ClassContext } from '../method/class-context.ts';
import { defineMethod, type MethodDefinition } from '../method/definition.ts';
import { promptSpec } from '../method/prompt-spec.ts';
import { randomPrompts } from '../prompts/initial.ts';
import { AFTER_PATCHES, AFTER_START } from '../prompts/layers.ts';
import { drawPrompts, LearntPrompts } from '../prompts/learner.ts';
import { PromptedClip } from '../prompts/prompted.ts';
import { textTemplate } from '../prompts/texts/prompt-template.ts';
import type { MethodContext, PromptMethod } from '../method/method.ts';
import { methodNamed, methodNames } from '../methods/registry.ts';
import { conformanceChecks } from './index.ts';

const ALL = [...PROMPT_METHODS, ...FEATURE_METHODS];
/** With the default limits kernels differ, and what a setting changes does not: one setting a method shows it. */
const CASES = hasDefaultLimits ? ALL.filter(([name], place) => ALL.findIndex(([other]) => other === name) === place) : ALL;
/** With the default limits those that run every kernel of a method, on every text path and replayed; the others repeat these kernels. */
const checksOf = (...subject: Parameters<typeof conformanceChecks>): ReturnType<typeof conformanceChecks> =>
  conformanceChecks(...subject).filter(({ name }) => !hasDefaultLimits || /captured|text path|evaluation equals/.test(name));
/** As the authors of MaPLe and MMRL have it. */
const COPIES = /compound_prompt_projections|r2[vt]proj/;

/** Image prompts from the second block on, and tokens of the texts' beginning that the third block is given. */
const latePrompts = defineMethod({
  ...sharedVpt,
  name: 'late-prompts',
  settings: z.strictObject({}),
  create: (context) => {
    const [textWidth, imageWidth] = [context.text.config.width, context.image.config.width];
    const at = (layer: number, name: string) => ({ layer, learnt: { name } });
    const spec = promptSpec('late-prompts', {
      parameters: { v1: [2, imageWidth], v2: [2, imageWidth], t2: [3, textWidth] },
      text: { nCtx: 3, width: textWidth, ...AFTER_START, layers: [at(2, 't2')] },
      image: { nCtx: 2, width: imageWidth, ...AFTER_PATCHES, layers: [at(1, 'v1'), at(2, 'v2')] },
    });
    const learner = new LearntPrompts(spec, drawPrompts(spec.parameters, context));
    return new PromptedClip('late-prompts', context, learner, textTemplate(context.tokenizer));
  },
});

it('every registered method is here', () => {
  expect([...new Set(CASES.map(([name]) => name))].sort()).toEqual(methodNames().sort());
});

eachDevice('conformance', (ctx) => {
  describe.each(CASES)('%s %j', (name, settings) => {
    const checks = checksOf(methodNamed(name), { settings, copies: COPIES });
    it.each(checks.map((check) => [check.name, check.run] as const))('%s', (_, run) => run(ctx.device));
  });

  describe('prompts that enter later layers only', () => {
    const checks = checksOf(latePrompts);
    it.each(checks.map((check) => [check.name, check.run] as const))('%s', (_, run) => run(ctx.device));
  });

  describe('the example of how to add a method', () => {
    const checks = checksOf(sharedVpt, { settings: { depth: 3 } });
    it.each(checks.map((check) => [check.name, check.run] as const))('%s', (_, run) => run(ctx.device));
  });
});

eachDevice('the kit finds', (ctx) => {
  beforeEach(({ skip }) => skip(hasDefaultLimits, 'the kit judges alike with any limits'));

  /** What a check says of a method that is wrong. */
  const complaint = async (definition: MethodDefinition, check: RegExp): Promise<string> => {
    const found = conformanceChecks(definition, { settings: { depth: 3 } }).find(({ name }) => check.test(name));
    if (!found) throw new Error(`there is no check ${check.source}`);
    return await found.run(ctx.device).then(
      () => 'nothing',
      (error: unknown) => String(error),
    );
  };
  /** The example method with something wrong in each of its instances. */
  const spoiled = (spoil: (method: PromptMethod, context: MethodContext) => object): MethodDefinition => ({
    ...sharedVpt,
    create: (context, settings) => {
      const method = sharedVpt.create(context, settings) as PromptMethod;
      return Object.assign(method, spoil(method, context));
    },
  });

  it.each<[string, RegExp, RegExp, (method: PromptMethod, context: MethodContext) => object]>([
    [
      'a template that stays the first one',
      /other classes/,
      /forContext against a method made for these classes: logits differs/,
      (method) => {
        const original = method.forContext.bind(method);
        return { forContext: (other: ClassContext) => original({ ...other, template: 'a {}.' }) };
      },
    ],
    [
      'what a subclass adds, dropped',
      /other classes/,
      /forContext against a method made for these classes: logits differs/,
      (method) => {
        const original = method.evaluate.bind(method);
        return { evaluate: (images: Tensor, texts?: Tensor) => mul(original(images, texts), 2) };
      },
    ],
    [
      'an example text that is another',
      /the spec declares/,
      /the example text "\[v\] cat ." has 1 context tokens, and the spec declares 0/,
      () => ({ example: '[v] cat .' }),
    ],
    [
      'a layer that is not declared',
      /the spec declares/,
      /the spec declares 4 x 24 at layer 0 in the image tower, and 4 x 24 at layer 0, 4 x 24 at layer 1, 4 x 24 at layer 2 enter/,
      ({ spec }) => ({ spec: { ...spec, image: spec.image && { ...spec.image, layers: spec.image.layers.slice(0, 1) } } }),
    ],
    [
      'a parameter that is not learnt',
      /the spec declares/,
      /the spec declares the parameters image_encoder.shared_rows \[4, 24\], more \[1\], and image_encoder.shared_rows \[4, 24\] are learnt/,
      ({ spec }) => ({ spec: { ...spec, parameters: { ...spec.parameters, more: [1] } } }),
    ],
    [
      'prompts that are not made from what is named',
      /the spec declares/,
      /layer 1 of the image tower from image_encoder.shared_rows, and they do not change/,
      (method) => {
        const fixed = keep(zeros([4, 24], { device: ctx.device }));
        const original = method.prompts.bind(method);
        const dispose = method.dispose.bind(method);
        return {
          prompts: () => ({ image: original()?.image?.map((tokens, layer) => (layer === 1 ? fixed : tokens)) }),
          dispose: () => {
            dispose();
            fixed.dispose();
          },
        };
      },
    ],
    ['texts an image that are not', /the spec declares/, /it states 4 texts an image/, () => ({ textsPerImage: 4 })],
    [
      'a host counter in the loss',
      /captured step/,
      /captured against eager, replay 1: loss differs/,
      (method) => {
        const original = method.loss.bind(method);
        let calls = 0;
        return {
          loss: (images: Tensor, labels: Tensor) => {
            const step = original(images, labels);
            calls += 1;
            return { ...step, loss: mul(step.loss, calls) };
          },
        };
      },
    ],
    [
      'state that no checkpoint has',
      /checkpoint/,
      /an epoch after a checkpoint: image_encoder.shared_rows differs/,
      (method) => {
        let ended = 0;
        return {
          endEpoch: () => {
            ended += 1;
            for (const original of method.learnable.values()) scope(() => copyInto(original, mul(original, 1 + ended)));
          },
        };
      },
    ],
  ])('%s', async (_, check, says, spoil) => {
    expect(await complaint(spoiled(spoil), check)).toMatch(says);
    expect(await complaint(sharedVpt, check)).toBe('nothing');
  });

  it('a stream of random numbers that is begun twice', async () => {
    const twice = defineMethod({
      ...sharedVpt,
      settings: z.object({ depth: z.number() }),
      create: (context, settings) => {
        const method = sharedVpt.create(context, settings) as PromptMethod;
        const again = randomPrompts([4, 24], context, randomFrom(context.seed));
        const original = method.dispose.bind(method);
        return Object.assign(method, {
          learner: { ...Reflect.get(method, 'learner'), learnable: new Map([...method.learnable, ['again', again]]) },
          dispose: () => {
            original();
            again.dispose();
          },
        });
      },
    });
    expect(await complaint(twice, /initial values/)).toMatch(/image_encoder\.shared_rows and again begin with the same numbers/);
  });
});
