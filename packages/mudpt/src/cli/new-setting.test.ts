import { Command } from 'commander';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { methodNamed, methodNames } from '../methods/index.ts';
import { RECIPE } from '../pretrain/recipe.ts';
import { fitToModel, resolveConfig, runName } from '../runs/settings/config.ts';
import { identity } from '../runs/settings/identity.ts';
import type { Schemas } from '../runs/settings/schemas.ts';
import { runSettings } from '../runs/settings/settings.ts';
import { settingMetadata } from '../settings/metadata.ts';
import { addTrainOptions, trainHelpText } from './train-options.ts';
import { inputOf } from '../runs/settings/input.ts';

const mixing = z
  .number()
  .min(0)
  .max(1)
  .default(0)
  .describe('share of another image that is mixed in')
  .register(settingMetadata, {
    flag: 'mix-up',
    placeholder: 'share',
    before: 0,
    folder: (share: number) => (share > 0 ? `mix${share}` : undefined),
  });
const floors = z
  .int()
  .positive()
  .default(12)
  .describe('layers whose norms are learnt')
  .register(settingMetadata, {
    flag: 'floors',
    placeholder: 'count',
    counts: 'layers',
    folder: (count: number) => `${count}floors`,
  });

const extended = {
  ...methodNamed('coop'),
  settings: (methodNamed('coop').settings as z.ZodObject).extend({ floors }),
};
const SCHEMAS: Schemas = {
  run: runSettings.extend({ mixing }),
  methodNames,
  methodNamed: (name) => (name === 'coop' ? extended : methodNamed(name)),
};

it('a new setting of runs and one of a method are an entry each: flag, help, key, folder name, fitting and identity follow', async () => {
  const train = addTrainOptions(new Command('train').exitOverride(), SCHEMAS).action(() => undefined);
  train.parse(['--method', 'coop', '--mix-up', '0.25', '--floors', '3', '--set', 'settings.length=4'], { from: 'user' });
  const input = await inputOf(train.opts(), SCHEMAS);
  expect(input).toMatchObject({ mixing: 0.25, settings: { floors: 3, length: 4 } });
  const config = resolveConfig(input, 'test', SCHEMAS);
  expect(config).toMatchObject({ mixing: 0.25, settings: { floors: 3 } });
  expect(runName(config, 'pets', 'f00d', SCHEMAS)).toBe('pets/coop-embedded-16shots-mix0.25-3floors-f00d/seed1');

  const help = await trainHelpText(train, train.opts(), SCHEMAS);
  expect(help).toMatch(/--mix-up <share> +share of another image that is mixed in \[0\.25\]/);
  expect(help).toMatch(/--floors <count> +layers whose norms are learnt \[3\]/);
  expect(help).toMatch(/\n {2}floors +3 +layers whose norms/);
  await expect(inputOf({ mixUp: '7' }, SCHEMAS)).rejects.toThrow(/--mix-up: "7" is not a number from 0 to 1/);
  await expect(inputOf({ method: 'vpt', floors: '7' }, SCHEMAS)).rejects.toThrow(/vpt has no floors/);

  const towers = { image: { layers: 5 }, text: { layers: 4 } } as Parameters<typeof fitToModel>[2];
  const usual = resolveConfig({ method: 'coop' }, 'test', SCHEMAS);
  expect(fitToModel(usual, {}, towers, SCHEMAS)).toMatchObject({
    config: { settings: { floors: 4 } },
    notes: [/floors is 4, not coop's usual 12/],
  });
  expect(fitToModel(usual, { settings: { floors: 12 } }, towers, SCHEMAS).config.settings['floors']).toBe(12);
  // Runs from before there was mixing are the same runs.
  const identities = [0, 0.25].map((share) => identity({ ...usual, mixing: share } as typeof usual, SCHEMAS));
  expect(identities[0]).not.toContain('mixing');
  expect(identities[1]).toContain('"mixing":0.25');
});

it('help has the values that a run with the other flags would take', async () => {
  const helpWith = async (...words: string[]): Promise<string> => {
    const train = addTrainOptions(new Command('train').exitOverride()).action(() => undefined);
    train.parse(words, { from: 'user' });
    return trainHelpText(train, train.opts());
  };
  const embedded = await helpWith();
  expect(embedded).toMatch(/--lr <rate> .*\[0\.007\]/);
  expect(embedded).toMatch(/--epochs <count> .*\[20\]/);
  const { layers } = RECIPE.model.text;
  expect(embedded).toMatch(
    new RegExp(`\\n {2}depth +${layers} .*[^]*note: depth is ${layers}, not mudpt's usual 9: the model has ${layers} layers`),
  );
  const published = await helpWith('--model', 'openai/clip-vit-base-patch16');
  expect(published).toMatch(/--lr <rate> .*\[0\.0025\]/);
  expect(published).toMatch(/--epochs <count> .*\[10\]/);
  expect(published).toMatch(/\n {2}depth +9 .*[^]*note: counts of layers are lowered to those of the model/);
  expect(await helpWith('--method', 'coop', '--model', 'x/y', '--epochs', '7')).toMatch(/--epochs <count> .*\[7\]/);
  // The authors' values for a protocol, the embedded model's left out.
  const fewShot = await helpWith('--method', 'coop', '--protocol', 'few-shot', '--data', 'dtd', '--shots', '2');
  expect(fewShot).toMatch(/--protocol <which> [^]*\[few-shot\]/);
  expect(fewShot).toMatch(/--epochs <count> .*\[100\]/);
  expect(fewShot).toMatch(/--batch <count> .*\[32\]/);
  expect(fewShot).toMatch(/What --protocol takes for CoOp[^]*\n {2}few-shot +2, 4 shots +.*epochs 100 .*CoOp, COOP.md/);
  expect(fewShot).not.toMatch(/note: .*publish/);
  const maple = await helpWith('--method', 'maple', '--protocol', 'few-shot');
  expect(maple).toMatch(
    /MaPLe publishes nothing for few-shot\.[^]*MaPLe has no variants\.[^]*note: MaPLe publishes nothing for few-shot/,
  );
  const variant = await helpWith('--method', 'mudpt', '--variant', 'released-defaults', '--model', 'x/y');
  expect(variant).toMatch(/\n {2}injection +linear /);
  expect(variant).toMatch(/Variants of MuDPT \(--variant\):\n {2}named-in-scripts +length 4\n {2}released-defaults +depth 8/);
  expect(await helpWith('--method', 'ivlp', '--set', 'textDepth=2')).toMatch(
    new RegExp(`\\[textDepth 2,\\s+imageDepth ${layers}\\]`),
  );
});
