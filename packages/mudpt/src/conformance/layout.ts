/** Whether a method's drawing is true: prompts enter where it says, as many as it says, made from what it says. */
import { noGrad } from '@mudpt/autograd';
import { scope } from '@mudpt/tensor';
import type { PromptMethod, PromptPlace } from '../method/method.ts';
import type { LayerRows } from '../prompts/text-prompts.ts';
import { addNoise, type Subject, write } from './subject.ts';

const TOWERS = ['text', 'image'] as const;

export async function promptPlaces(subject: Subject): Promise<void> {
  const method = await subject.prompts();
  const { layout, learnable, classNames } = method;
  for (const tower of TOWERS)
    for (const { layer, sources } of layout[tower])
      for (const name of sources)
        if (!learnable.has(name))
          throw subject.fail(
            `layer ${layer} of the ${tower} tower is drawn from ${name}, which is not learnt`,
            'name what is learnt',
          );
  const drawn = layout.example.match(/\[v\]/g)?.length ?? 0;
  const [first] = layout.text;
  if (drawn !== (first?.layer === 0 ? first.rows : 0))
    throw subject.fail(
      `the example text "${layout.example}" has ${drawn} learnt rows, and the layout draws ${first?.rows ?? 0} at the input`,
      'draw the first text prompts as layer 0',
    );
  const before = await rowsOf(method);
  if (before)
    for (const tower of TOWERS)
      expectPlaces(subject, tower, layout[tower], before[tower], tower === 'text' ? classNames.length : 1);
  await expectSources(subject, method, before);
  await expectTextsPerImage(subject, method);
}

/** Rows by layer. */
type Rows = readonly { readonly count: number; readonly values: ArrayLike<number> }[];

/** The prompts of both towers as they are now; undefined where they depend on the image. */
async function rowsOf(method: PromptMethod): Promise<Readonly<Record<'text' | 'image', Rows>> | undefined> {
  return await scope(async () => {
    const prompts = noGrad(() => method.prompts());
    if (!prompts) return undefined;
    const read = async (rows: LayerRows | undefined): Promise<Rows> =>
      await Promise.all(
        (rows ? [rows.first, ...rows.deep] : []).map(async (row) => ({ count: row.shape[0] ?? 0, values: await row.data() })),
      );
    return { text: await read(prompts.text), image: await read(prompts.image) };
  });
}

/** @param groups in how many groups the first rows may come: each class may have its own */
function expectPlaces(subject: Subject, tower: string, places: readonly PromptPlace[], found: Rows, groups: number): void {
  const told = places.map(({ layer, rows }) => `${rows} at layer ${layer}`).join(', ') || 'none';
  const entering = found.map(({ count }, layer) => `${count} at layer ${layer}`).join(', ') || 'none';
  const agrees =
    places.length === found.length &&
    places.every(({ layer, rows }, at) => {
      const count = found[at]?.count;
      return layer === at && (count === rows || (at === 0 && count === groups * rows));
    });
  if (!agrees)
    throw subject.fail(`the layout draws ${told} in the ${tower} tower, and ${entering} enter`, 'draw what prompts() gives');
}

/** Moves every tensor that rows are drawn from: those rows change and no others, and the logits do. */
async function expectSources(subject: Subject, method: PromptMethod, before: Awaited<ReturnType<typeof rowsOf>>): Promise<void> {
  const { layout, learnable } = method;
  const { images } = subject.batch();
  const logits = await method.evaluate(images).data();
  const sources = new Set(TOWERS.flatMap((tower) => layout[tower].flatMap((place) => place.sources)));
  for (const name of sources) {
    const parameter = learnable.get(name);
    if (!parameter || parameter.size === 0) continue;
    const kept = Float32Array.from(await parameter.data());
    await addNoise(subject, parameter, 60);
    const after = await rowsOf(method);
    for (const tower of TOWERS)
      for (const [at, place] of layout[tower].entries()) {
        const [old, now] = [before?.[tower][at], after?.[tower][at]];
        if (!old || !now) continue;
        const changes = Array.from(old.values).some((value, index) => value !== now.values[index]);
        if (changes === place.sources.includes(name)) continue;
        throw subject.fail(
          `the rows at layer ${place.layer} of the ${tower} tower are drawn from ${place.sources.join(', ')}, and ${changes ? 'change' : 'do not change'} with ${name}`,
          'draw them from what they are made of',
        );
      }
    const moved = await method.evaluate(images).data();
    if (moved.every((value, index) => value === logits[index]))
      throw subject.fail(`${name} is drawn as a prompt, and no logit changes with it`, 'draw what reaches the towers');
    write(parameter, kept);
  }
}

async function expectTextsPerImage(subject: Subject, method: PromptMethod): Promise<void> {
  const { images } = subject.batch();
  const [batch = 0] = images.shape;
  const { shape } = method.forward(images).textFeatures;
  const dependsOnImage = method.textFeatures() === undefined;
  const held = shape.length === 3 && shape[0] === batch ? (shape[1] ?? 0) : 0;
  if (held === method.textsPerImage && dependsOnImage === held > 0) return;
  throw subject.fail(
    `it states ${method.textsPerImage} texts an image, its text features have the shape [${shape.join(', ')}], and textFeatures() gives ${dependsOnImage ? 'none' : 'them'}`,
    'state the classes where texts depend on the image, and 0 elsewhere',
  );
}
