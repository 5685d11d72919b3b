/** Methods fitted to features: results, choice on validation, and saving. */
import { lbfgs, randomFrom } from '@mudpt/autograd';
import { alias, type Device, scope, type Tensor, tensor } from '@mudpt/tensor';
import { describe, expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { tinyClip, tinyContext } from '../../test/uneven.ts';
import { LinearProbe, linearProbe, type LinearProbeSettings } from '../methods/linear-probe.ts';
import type { FeatureMethod, FeatureSet, FitData } from '../method/method.ts';
import { methodNamed } from '../methods/registry.ts';
import { accuracyOf } from './accuracy.ts';
import type { TipSettings } from './tip-settings.ts';
import { TipAdapter } from './tip-cache.ts';
import { templatesOf, zeroShotSettings } from '../methods/zero-shot.ts';

const EMBED = 6;
const CLASSES = ['a', 'b', 'c'];

/** Points around a centre for each class; `spread` 0 puts all on it. */
function clouds(device: Device, perClass: number, spread: number, seed: number): FeatureSet {
  const random = randomFrom(seed);
  const labels = Int32Array.from({ length: perClass * CLASSES.length }, (_, row) => row % CLASSES.length);
  const rows = Float32Array.from({ length: labels.length * EMBED }, (_, at) => {
    const [row, channel] = [Math.floor(at / EMBED), at % EMBED];
    return (channel === (labels[row] ?? 0) ? 2 : 0) + spread * (2 * random() - 1) + 0.5;
  });
  return { features: tensor(rows, { shape: [labels.length, EMBED], device }), labels };
}

const accuracy = async (method: FeatureMethod, { features, labels }: FeatureSet): Promise<number> => {
  using logits = method.evaluate(features);
  return accuracyOf(await logits.data(), labels);
};

/** Handles as a loaded file gives them, disposed after use. */
async function carry(from: FeatureMethod, to: FeatureMethod): Promise<void> {
  const handles = new Map([...from.learnable].map(([name, tensor]) => [name, alias(tensor)]));
  await to.restore(handles);
  for (const handle of handles.values()) handle.dispose();
}

eachDevice('linear probe', (ctx) => {
  const context = () => ({ device: ctx.device, embed: EMBED, classNames: CLASSES });
  const settings = (more: Partial<LinearProbeSettings> = {}) => linearProbe.settings.parse(more) as LinearProbeSettings;

  it("finds scikit-learn's minimum", () =>
    scope(async () => {
      const train = clouds(ctx.device, 5, 2, 1);
      const C = 0.7;
      const probe = new LinearProbe(context(), settings({ withoutValidation: C, tolerance: 1e-6 }));
      const report = await probe.fit({ train, val: undefined, augmented: [] });
      expect(report).toMatchObject({ chosen: { strength: C }, valAccuracy: undefined });
      expect(report.remarks.join()).toMatch(/no validation images/);
      // The same objective in double precision: C sum(cross-entropy) + |W|^2 / 2, from which the probe's differs by a factor.
      const x = await train.features.data();
      const count = train.labels.length;
      const objective = (theta: Float64Array) => {
        const gradient = new Float64Array(theta.length);
        const bias = CLASSES.length * EMBED;
        let value = 0;
        for (let row = 0; row < count; row += 1) {
          const logits = CLASSES.map((_, c) =>
            Array.from({ length: EMBED }, (_, i) => (theta[c * EMBED + i] ?? 0) * (x[row * EMBED + i] ?? 0)).reduce(
              (sum, v) => sum + v,
              theta[bias + c] ?? 0,
            ),
          );
          const top = Math.max(...logits);
          const total = logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0);
          const label = train.labels[row] ?? 0;
          value += C * (top + Math.log(total) - (logits[label] ?? 0));
          for (const [c, logit] of logits.entries()) {
            const slope = C * (Math.exp(logit - top) / total - (c === label ? 1 : 0));
            gradient[bias + c] = (gradient[bias + c] ?? 0) + slope;
            for (let i = 0; i < EMBED; i += 1)
              gradient[c * EMBED + i] = (gradient[c * EMBED + i] ?? 0) + slope * (x[row * EMBED + i] ?? 0);
          }
        }
        for (let i = 0; i < bias; i += 1) {
          value += (theta[i] ?? 0) ** 2 / 2;
          gradient[i] = (gradient[i] ?? 0) + (theta[i] ?? 0);
        }
        return Promise.resolve({ value, gradient });
      };
      const exact = await lbfgs(objective, new Float64Array(CLASSES.length * (EMBED + 1)), {
        maxIterations: 1000,
        tolerance: 1e-10,
      });
      const weight = await (probe.learnable.get('weight') as Tensor).data();
      for (const [i, value] of weight.entries()) expect(value).toBeCloseTo(exact.x[i] ?? 0, 3);
      probe.dispose();
    }));

  it('chooses C on validation, and what it learnt can be carried over', () =>
    scope(async () => {
      const [train, val, test] = [clouds(ctx.device, 4, 1.5, 1), clouds(ctx.device, 10, 1.5, 2), clouds(ctx.device, 20, 1.5, 3)];
      const probe = new LinearProbe(context(), settings({ strengths: [1e2, 1e-6], searchSteps: 2 }));
      expect(() => probe.evaluate(test.features)).toThrow(/nothing is fitted yet/);
      const seen: number[] = [];
      const { chosen, valAccuracy } = await probe.fit({ train, val, augmented: [] }, (done, of) => seen.push(done / of));
      // Within one decade of a value tried, moved by half decades.
      expect([-7, -6.5, -6, -5.5, -5, 1, 1.5, 2, 2.5, 3]).toContainEqual(expect.closeTo(Math.log10(chosen['strength'] ?? 0), 6));
      expect(valAccuracy).toBeCloseTo(await accuracy(probe, val), 6);
      expect(await accuracy(probe, test)).toBeGreaterThan(70);
      expect(seen.at(-1)).toBe(1);
      const other = new LinearProbe(context(), settings());
      await carry(probe, other);
      using before = probe.evaluate(test.features);
      using after = other.evaluate(test.features);
      expect(await after.data()).toEqual(await before.data());
      const fewer = new LinearProbe({ ...context(), classNames: ['a'] }, settings());
      expect(() => fewer.restore(probe.learnable)).toThrow(/what was learnt for 1 classes/);
      for (const method of [probe, other, fewer]) method.dispose();
    }));

  it('refuses data that does not go together', () =>
    scope(async () => {
      const probe = new LinearProbe(context(), settings());
      const train = clouds(ctx.device, 2, 1, 1);
      const labels = train.labels.map((label) => label + 1);
      await expect(probe.fit({ train: { ...train, labels }, val: undefined, augmented: [] })).rejects.toThrow(
        /label 3 among 3 classes/,
      );
      await expect(probe.fit({ train: { ...train, labels: labels.slice(1) }, val: undefined, augmented: [] })).rejects.toThrow(
        /5 labels/,
      );
      probe.dispose();
    }));
});

eachDevice('Tip-Adapter', (ctx) => {
  const base: TipSettings = {
    beta: 1,
    alpha: 1,
    search: true,
    betaLimit: 7,
    alphaLimit: 3,
    betaSteps: 4,
    alphaSteps: 4,
    cachePasses: 2,
    templates: [],
    scale: 1,
  };
  const learning = { epochs: 3, lr: 0.01, batchSize: 5, adamEps: 1e-4, weightDecay: 0.01 };
  /** Text features without information: all classes alike. */
  const make = (trains: boolean): TipAdapter => {
    const texts = tensor(new Float32Array(CLASSES.length * EMBED).fill(1 / Math.sqrt(EMBED)), {
      shape: [CLASSES.length, EMBED],
      device: ctx.device,
    });
    const context = { device: ctx.device, classNames: CLASSES, template: '{}', seed: 1 };
    return new TipAdapter(trains ? 'tip-adapter-f' : 'tip-adapter', context, () => texts, base, trains ? learning : undefined);
  };
  const data = (passes: number): FitData => ({
    train: clouds(ctx.device, 4, 1, 1),
    val: clouds(ctx.device, 6, 1, 2),
    augmented: Array.from({ length: passes }, (_, pass) => clouds(ctx.device, 4, 1, 10 + pass)),
  });

  it.each([false, true])('the cache classifies where texts cannot (trained: %s)', (trains) =>
    scope(async () => {
      const tip = make(trains);
      expect(tip.augmentedPasses).toBe(trains ? 5 : 2);
      const given = data(tip.augmentedPasses);
      expect(() => tip.evaluate(given.train.features)).toThrow(/the cache is empty/);
      const { chosen, valAccuracy } = await tip.fit(given);
      expect(valAccuracy).toBeGreaterThan(70);
      expect(await accuracy(tip, given.val as FeatureSet)).toBeCloseTo(valAccuracy ?? 0, 6);
      expect([0.1, 0.825, 1.55, 2.275]).toContainEqual(expect.closeTo(chosen['alpha'] ?? 0, 6));
      if (trains) expect(chosen['epoch']).toBeLessThan(3);
      const other = make(trains);
      await carry(tip, other);
      using before = tip.evaluate(given.train.features);
      using after = other.evaluate(given.train.features);
      expect(await after.data()).toEqual(await before.data());
      tip.dispose();
      other.dispose();
    }),
  );

  it('keeps the first values without validation, and asks for its passes', () =>
    scope(async () => {
      const tip = make(false);
      const { chosen, remarks } = await tip.fit({ ...data(2), val: undefined });
      expect(chosen).toEqual({ alpha: 1, beta: 1 });
      expect(remarks.join()).toMatch(/keep their initial values/);
      await expect(tip.fit(data(1))).rejects.toThrow(/1 augmented passes are given, 2 are needed/);
      tip.dispose();
    }));
});

describe('templates of zero-shot', () => {
  it("the data set's, given ones, or the selected seven with the data set's", () => {
    const ofDataSet = 'a photo of a {}, a type of pet.';
    const of = (given: Record<string, unknown>) => templatesOf(zeroShotSettings.parse(given), ofDataSet);
    expect(of({})).toEqual([ofDataSet]);
    expect(of({ templates: ['a {}.', 'a {}.'] })).toEqual(['a {}.']);
    expect(of({ selected: true })).toHaveLength(8);
    expect(of({ selected: true })).toContain(ofDataSet);
    expect(of({ selected: true, withOwn: false })).toHaveLength(7);
  });
});

eachDevice('zero-shot', (ctx) => {
  it('one template, several, and other classes', () =>
    scope(async () => {
      using clip = tinyClip(ctx.device);
      const context = await tinyContext(clip);
      const make = (given: Record<string, unknown>) => methodNamed('zero-shot').create(context, given) as FeatureMethod;
      const features = tensor(
        Float32Array.from({ length: 2 * 16 }, (_, i) => Math.sin(i)),
        { shape: [2, 16], device: ctx.device },
      );
      const [one, written, two] = [
        make({}),
        make({ templates: ['a photo of a {}.'] }),
        make({ templates: ['a {}.', 'the {}.'] }),
      ];
      expect(await one.evaluate(features).data()).toEqual(await written.evaluate(features).data());
      expect(await two.evaluate(features).data()).not.toEqual(await written.evaluate(features).data());
      const fewer = one.forContext({ ...context, classNames: ['great white shark'] });
      const all = await one.evaluate(features).data();
      expect((await fewer.evaluate(features).data())[0]).toBeCloseTo(all[1] ?? 0, 4);
      for (const method of [one, written, two, fewer]) method.dispose();
    }));
});
