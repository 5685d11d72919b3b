/** Settings of methods, as far as they follow from the shapes in a released state dict. */
import { InputError } from '@mudpt/tensor';

/** Shapes by full name. */
export type Shapes = ReadonlyMap<string, readonly number[]>;
type Settings = Readonly<Record<string, unknown>>;

const LEARNER = 'prompt_learner';
const CONTEXT = `${LEARNER}.ctx`;

/** One entry a method. Words that a context began with are no longer in it: with as many placeholders the texts are the same. */
const READERS: Readonly<Record<string, (shapes: Shapes) => Settings>> = {
  coop(shapes) {
    const shape = shapeOf(shapes, CONTEXT, [2, 3]);
    return { length: shape.at(-2), classSpecific: shape.length === 3, initWords: '' };
  },
  cocoop(shapes) {
    const [hidden = 0, embed = 0] = shapeOf(shapes, `${LEARNER}.meta_net.linear1.weight`, [2]);
    return { length: rowsOf(shapes, CONTEXT), reduction: Math.max(1, Math.floor(embed / hidden)), initWords: '' };
  },
  maple: (shapes) => ({
    length: rowsOf(shapes, CONTEXT),
    depth: 1 + countOf(shapes, /^prompt_learner\.compound_prompts_text\.\d+$/),
  }),
  ivlp: independent,
  promptsrc: independent,
  mudpt(shapes) {
    const isTransformer = shapes.has('uumudpt_prompt_learner.ctx');
    const learner = isTransformer ? 'uumudpt_prompt_learner' : 'mudpt_prompt_learner';
    return { ...stacked(shapes, learner), injection: isTransformer ? 'transformer' : 'linear', norm: 'pre', injectLayer0: true };
  },
  umudpt: (shapes) => ({ ...stacked(shapes, 'umudpt_prompt_learner'), norm: 'pre' }),
};

/** Methods whose released checkpoints can be imported. */
export const importable: readonly string[] = Object.keys(READERS);

/**
 * @param asked settings that were given by name; they may not contradict the file
 * @throws InputError naming the tensor that is missing, or of another rank, or the setting that contradicts it
 */
export function settingsOfShapes(method: string, shapes: Shapes, asked: Settings = {}): Settings {
  const read = READERS[method];
  if (!read)
    throw new InputError('--method', `checkpoints of ${method} cannot be imported`, `use one of ${importable.join(', ')}`);
  const found = read(shapes);
  for (const [name, value] of Object.entries(found))
    if (name !== 'initWords' && asked[name] !== undefined && asked[name] !== value)
      throw new InputError(
        'import',
        `${name} is asked to be ${JSON.stringify(asked[name])}, and the shapes in the file say ${JSON.stringify(value)}`,
        `leave ${name} out`,
      );
  return { ...found, ...asked };
}

function independent(shapes: Shapes): Settings {
  return {
    textLength: rowsOf(shapes, CONTEXT),
    textDepth: 1 + countOf(shapes, /^text_encoder\.transformer\.resblocks\.\d+\.VPT_shallow$/),
    imageLength: rowsOf(shapes, 'image_encoder.VPT'),
    imageDepth: 1 + countOf(shapes, /^image_encoder\.transformer\.resblocks\.\d+\.VPT_shallow$/),
  };
}

function stacked(shapes: Shapes, learner: string): Settings {
  const [deep = 0] = shapeOf(shapes, `${learner}.deep_prompts`, [3]);
  return { length: rowsOf(shapes, `${learner}.ctx`), depth: 1 + deep };
}

function countOf(shapes: Shapes, pattern: RegExp): number {
  return [...shapes.keys()].filter((name) => pattern.test(name)).length;
}

function rowsOf(shapes: Shapes, name: string): number {
  return shapeOf(shapes, name, [2])[0] ?? 0;
}

function shapeOf(shapes: Shapes, name: string, ranks: readonly number[]): readonly number[] {
  const shape = shapes.get(name);
  if (!shape)
    throw new InputError(
      'import',
      `the checkpoint has no ${name}`,
      'is it of another method? name the one it is of with --method',
    );
  if (ranks.includes(shape.length) && !shape.slice(-2).includes(0)) return shape;
  throw new InputError(
    'import',
    `${name} has the shape [${shape.join(', ')}], and ${ranks.map((rank) => `${rank} axes`).join(' or ')} that are not empty are wanted`,
    'is it of another method? name the one it is of with --method',
  );
}
