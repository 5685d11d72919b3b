/** Checks of a method against its prompt spec: its parameters, and the layers, numbers and sources of its prompt tokens. */
import { noGrad } from '@mudpt/autograd';
import { scope } from '@mudpt/tensor';
import type { LayerTokens, PromptMethod } from '../method/method.ts';
import { contextTokens, type LayerPrompt, sourcesOf, TOWERS, type TowerPromptSpec } from '../method/prompt-spec.ts';
import { secondViews } from './numbers.ts';
import { addNoise, disturb, type Subject, write } from './subject.ts';

export async function declaredPrompts(subject: Subject): Promise<void> {
  const method = await subject.prompts();
  await disturb(subject, method);
  expectParameters(subject, method);
  expectExample(subject, method);
  const before = await tokensOf(method);
  if (before) for (const tower of TOWERS) expectTokens(subject, method, tower, before[tower]);
  await expectSources(subject, method, before);
  await expectFeatureParameters(subject, method);
  await expectBranchParameters(subject, method);
  await expectTextsPerImage(subject, method);
}

/** Names and shapes are those of a prompt file, in its order. */
function expectParameters(subject: Subject, { spec, learnable }: PromptMethod): void {
  const told = (shapes: Iterable<readonly [string, readonly number[]]>): string =>
    [...shapes].map(([name, shape]) => `${name} [${shape.join(', ')}]`).join(', ');
  const declared = told(Object.entries(spec.parameters));
  const learnt = told([...learnable].map(([name, { shape }]) => [name, shape] as const));
  if (declared !== learnt)
    throw subject.fail(`the spec declares the parameters ${declared}, and ${learnt} are learnt`, 'learn what is declared');
}

function expectExample(subject: Subject, { spec, example }: PromptMethod): void {
  const drawn = example.match(/\[v\]/g)?.length ?? 0;
  const declared = contextTokens(spec.text) / (spec.text?.classes ?? 1);
  if (drawn !== declared)
    throw subject.fail(
      `the example text "${example}" has ${drawn} context tokens, and the spec declares ${declared}`,
      'declare the context tokens as layer 0 of the text tower',
    );
}

/** Tokens by layer: their shape and values. */
type Tokens = readonly ({ readonly shape: readonly number[]; readonly values: ArrayLike<number> } | undefined)[];
type TokensOfTowers = Readonly<Record<(typeof TOWERS)[number], Tokens>>;

/** The prompts of both towers as they are now; undefined where they depend on the image. */
async function tokensOf(method: PromptMethod): Promise<TokensOfTowers | undefined> {
  return await scope(async () => {
    const prompts = noGrad(() => method.prompts());
    if (!prompts) return undefined;
    const read = async (layers: LayerTokens = []): Promise<Tokens> =>
      await Promise.all(layers.map(async (tokens) => tokens && { shape: tokens.shape, values: await tokens.data() }));
    return { text: await read(prompts.text), image: await read(prompts.image) };
  });
}

function expectTokens(subject: Subject, { spec, classNames }: PromptMethod, tower: (typeof TOWERS)[number], found: Tokens): void {
  const at = (layer: number, shape: readonly number[]): string => `${shape.join(' x ')} at layer ${layer}`;
  const shapeOf = ({ nCtx, width }: TowerPromptSpec, { layer, ofEachClass = false }: LayerPrompt): readonly number[] => {
    if (ofEachClass) return [classNames.length, nCtx, width];
    return tower === 'text' && layer === 0 ? [contextTokens(spec.text), width] : [nCtx, width];
  };
  const declared = spec[tower];
  const told = declared?.layers.map((prompt) => at(prompt.layer, shapeOf(declared, prompt))).join(', ') || 'none';
  const entering = found.flatMap((tokens, layer) => (tokens ? [at(layer, tokens.shape)] : [])).join(', ') || 'none';
  if (told !== entering)
    throw subject.fail(`the spec declares ${told} in the ${tower} tower, and ${entering} enter`, 'declare what prompts() gives');
}

/** Moves every parameter that tokens are made from: those tokens change and no others, and the logits do. */
async function expectSources(subject: Subject, method: PromptMethod, before: TokensOfTowers | undefined): Promise<void> {
  const { spec, learnable } = method;
  const { images } = subject.batch();
  const logits = await method.evaluate(images).data();
  const layersOf = (tower: (typeof TOWERS)[number]) => spec[tower]?.layers ?? [];
  const adapted = TOWERS.flatMap((tower) => (spec.adapters?.[tower] ?? []).flatMap(({ sources: names }) => names));
  const sources = new Set([...TOWERS.flatMap((tower) => layersOf(tower).flatMap(sourcesOf)), ...adapted]);
  for (const name of sources) {
    const parameter = learnable.get(name);
    if (!parameter || parameter.size === 0) continue;
    const kept = Float32Array.from(await parameter.data());
    await addNoise(subject, parameter, 60);
    const after = await tokensOf(method);
    for (const tower of TOWERS)
      for (const prompt of layersOf(tower)) {
        const [old, now] = [before?.[tower][prompt.layer], after?.[tower][prompt.layer]];
        if (!old || !now) continue;
        const changes = Array.from(old.values).some((value, index) => value !== now.values[index]);
        const declared = sourcesOf(prompt);
        if (changes === declared.includes(name)) continue;
        throw subject.fail(
          `the spec declares the prompts of layer ${prompt.layer} of the ${tower} tower from ${declared.join(', ')}, and they ${changes ? 'change' : 'do not change'} with ${name}`,
          'declare what they are made of',
        );
      }
    const moved = await method.evaluate(images).data();
    if (moved.every((value, index) => value === logits[index]))
      throw subject.fail(`${name} is declared as a prompt, and no logit changes with it`, 'declare what reaches the towers');
    write(parameter, kept);
  }
}

/** Each parameter declared to act on a tower's features changes the features of that tower, and none of the other unless declared there too. */
async function expectFeatureParameters(subject: Subject, method: PromptMethod): Promise<void> {
  const { images } = subject.batch();
  const features = async () => {
    const { textFeatures, imageFeatures } = scope(() => method.forward(images));
    return { text: await textFeatures.data(), image: await imageFeatures.data() };
  };
  const declared = method.spec.features ?? {};
  const before = await features();
  for (const name of new Set(TOWERS.flatMap((tower) => declared[tower] ?? []))) {
    const parameter = method.learnable.get(name);
    if (!parameter) continue;
    const kept = Float32Array.from(await parameter.data());
    await addNoise(subject, parameter, 60);
    const after = await features();
    write(parameter, kept);
    for (const tower of TOWERS) {
      const changes = after[tower].some((value, index) => value !== before[tower][index]);
      const isDeclared = declared[tower]?.includes(name) ?? false;
      if (changes !== isDeclared)
        throw subject.fail(
          `the features of the ${tower} tower ${changes ? 'change' : 'do not change'} with ${name}, and the spec says otherwise`,
          'declare under `features` what acts on which',
        );
    }
  }
}

/** Each parameter of a branch changes the loss, and no feature. */
async function expectBranchParameters(subject: Subject, method: PromptMethod): Promise<void> {
  const { images, labels } = subject.batch();
  const numbers = async () => {
    const { loss, outputs } = scope(() => method.loss(images, labels, secondViews(method, images)));
    return [await loss.data(), await outputs.textFeatures.data(), await outputs.imageFeatures.data()] as const;
  };
  const declared = method.spec.branches ?? {};
  const names = new Set(TOWERS.flatMap((tower) => declared[tower] ?? []));
  if (names.size === 0) return;
  const [loss, ...features] = await numbers();
  for (const name of names) {
    const parameter = method.learnable.get(name);
    if (!parameter) continue;
    const kept = Float32Array.from(await parameter.data());
    await addNoise(subject, parameter, 60);
    const [moved, ...after] = await numbers();
    write(parameter, kept);
    if (moved[0] === loss[0])
      throw subject.fail(`the loss does not change with ${name}, which the spec declares under branches`, 'declare what is used');
    if (features.some((values, place) => values.some((value, index) => value !== after[place]?.[index])))
      throw subject.fail(`a feature changes with ${name}, which the spec declares under branches`, 'declare it under `features`');
  }
}

async function expectTextsPerImage(subject: Subject, method: PromptMethod): Promise<void> {
  const { images } = subject.batch();
  const { shape } = method.forward(images).textFeatures;
  const dependsOnImage = method.textFeatures() === undefined;
  const perImage = shape.length === 3 && shape[0] === images.shape[0] ? shape[1] : 0;
  if (perImage === method.textsPerImage && dependsOnImage === method.textsPerImage > 0) return;
  throw subject.fail(
    `it states ${method.textsPerImage} texts an image, its text features have the shape [${shape.join(', ')}], and textFeatures() gives ${dependsOnImage ? 'none' : 'them'}`,
    'state the classes where texts depend on the image, and 0 elsewhere',
  );
}
