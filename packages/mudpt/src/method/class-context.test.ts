/** Other classes and another template: equal to a method made for them with the same learnt values, or a refusal. */
import { mul, scope, type Tensor, tensor } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { CLASSES, TINY, tinyBatch, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';
import type { ClassContext } from './class-context.ts';
import { independentPrompts } from '../prompts/independent.ts';
import type { CreationContext, FeatureMethod, MethodContext, Outputs, PromptMethod } from './method.ts';
import { PromptedClip } from '../prompts/prompted.ts';
import { methodNamed } from '../methods/registry.ts';
import { textTemplate } from '../prompts/texts/prompt-template.ts';
import { ZeroShot, type ZeroShotSettings } from '../methods/zero-shot.ts';

const OTHER: ClassContext = { classNames: ['tree frog', 'Boeing 737-800'], template: 'a blurry drawing of the {}.' };

/** An adapter after the image tower, as somebody else's package might have it. */
class Adapted extends PromptedClip {
  protected override outputs(imageFeatures: Tensor, textFeatures: Tensor): Outputs {
    const factors = Array.from({ length: TINY.embed }, (_, channel) => 1 + channel);
    return super.outputs(mul(imageFeatures, tensor(factors, { device: this.context.device })), textFeatures);
  }
}

class WholeAdapted extends Adapted {
  override forContext(other: ClassContext): PromptMethod {
    return new WholeAdapted(this.name, this.contextFor(other), this.learner, this.template, { owns: false });
  }
}

function adapted(Kind: typeof Adapted, context: CreationContext): PromptMethod {
  const learner = independentPrompts('adapted', context, { image: { length: 2, depth: 2 } });
  return new Kind('adapted', context, learner, textTemplate(context.tokenizer));
}

class AdaptedZeroShot extends ZeroShot {
  override evaluate(features: Tensor): Tensor {
    return mul(super.evaluate(features), 2);
  }
}

eachDevice('other classes and templates', (ctx) => {
  const withContext = async (body: (context: MethodContext) => Promise<void>): Promise<void> => {
    using clip = tinyClip(ctx.device);
    await scope(async () => body(await tinyContext(clip)));
  };
  const features = () =>
    tensor(
      Float32Array.from({ length: 3 * TINY.embed }, (_, i) => Math.sin(i)),
      { shape: [3, TINY.embed], device: ctx.device },
    );

  it('a subclass that does not say how it looks there is refused; one that does keeps what it adds', () =>
    withContext(async (context) => {
      const random = () => 0.3;
      const silent = adapted(Adapted, { ...context, random });
      expect(() => silent.forContext(OTHER)).toThrow(/Adapted extends PromptedClip.*override forContext/is);
      const whole = adapted(WholeAdapted, { ...context, random });
      const made = whole.forContext(OTHER);
      const fresh = adapted(WholeAdapted, { ...context, ...OTHER, random });
      const { images } = tinyBatch(ctx.device);
      expect(await made.evaluate(images).data()).toEqual(await fresh.evaluate(images).data());
      const zero = new AdaptedZeroShot(context, methodNamed('zero-shot').settings.parse({}) as ZeroShotSettings);
      expect(() => zero.forContext(OTHER)).toThrow(/AdaptedZeroShot extends ZeroShot/);
      for (const method of [made, fresh, silent, whole, zero]) method.dispose();
    }));

  it("fixed texts follow the data set's template, unless the settings name one", () =>
    withContext(async (context) => {
      const { images } = tinyBatch(ctx.device);
      const logits = async (template: string, given: MethodContext) => {
        const first = tinyMethod(given, 'vpt', { depth: 2, template });
        const made = given === context ? first.forContext(OTHER) : first;
        const found = await made.evaluate(images).data();
        for (const method of new Set([made, first])) method.dispose();
        return found;
      };
      const there: MethodContext = { ...context, ...OTHER };
      expect(await logits('', context)).toEqual(await logits('', there));
      expect(await logits('a {}.', context)).toEqual(await logits('a {}.', there));
      expect(await logits('', context)).not.toEqual(await logits('a {}.', context));
    }));

  it('zero-shot does, too, and averages it with the selected ones', () =>
    withContext(async (context) => {
      for (const settings of [{}, { selected: true }]) {
        const make = (given: MethodContext) => methodNamed('zero-shot').create(given, settings) as FeatureMethod;
        const [first, fresh] = [make(context), make({ ...context, ...OTHER })];
        const made = first.forContext(OTHER);
        expect(await made.evaluate(features()).data()).toEqual(await fresh.evaluate(features()).data());
        for (const method of [first, fresh, made]) method.dispose();
      }
    }));

  it('what is fitted to classes stays with them, and takes another template', () =>
    withContext(async (context) => {
      const train = { features: features(), labels: Int32Array.of(0, 1, 2) };
      for (const [name, settings] of [
        ['tip-adapter', { cachePasses: 0 }],
        ['linear-probe', { maxIterations: 20 }],
      ] as const) {
        const make = (given: MethodContext) => methodNamed(name).create(given, settings) as FeatureMethod;
        const method = make(context);
        await method.fit({ train, val: undefined, augmented: [] });
        expect(() => method.forContext(OTHER), name).toThrow(/4 classes, so it cannot classify others/);
        const there = { classNames: CLASSES, template: OTHER.template };
        const made = method.forContext(there);
        const fresh = make({ ...context, ...there });
        await fresh.restore(method.learnable);
        method.dispose();
        expect(await made.evaluate(features()).data(), name).toEqual(await fresh.evaluate(features()).data());
        made.dispose();
        fresh.dispose();
      }
    }));

  it("PromptSRC's loss refuses classes whose frozen texts it does not have", () =>
    withContext(async (context) => {
      const method = tinyMethod(context, 'promptsrc', { textDepth: 1, imageDepth: 1, templates: ['a {}.'] });
      const made = method.forContext(OTHER);
      const { images, labels } = tinyBatch(ctx.device);
      expect(() => made.loss(images, labels)).toThrow(/frozen features of texts of its classes/);
      expect(made.evaluate(images).shape).toEqual([3, 2]);
      made.dispose();
      method.dispose();
    }));
});
