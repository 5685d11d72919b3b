/**
 * Prompt specs: the tensors that a method learns and where they enter both towers. Parameters, the tokens that towers replace, drawings and the
 * layout of a prompt file all follow from it, and the conformance kit holds the method to it.
 */
import type { PromptTokens } from '@mudpt/clip';
import { MethodError } from './errors.ts';

/** Shapes by name, in the order of a prompt file. */
export type ParameterShapes = Readonly<Record<string, readonly number[]>>;

/** Prompt tokens of one layer of a tower. */
export type LayerPrompt = {
  /** 0: they enter the tower's input. j: they take their place in the input of block j. */
  readonly layer: number;
  /** The parameter that holds them, or its part `index`; absent where all of them are computed. */
  readonly learnt?: { readonly name: string; readonly index?: number };
  /** Whether a network computes different tokens for every class: [classes, n, width]. Only for texts. */
  readonly ofEachClass?: boolean;
  /** Other parameters that they are computed from: an injection adds to the parameter, a projection computes the tokens. */
  readonly computedFrom?: readonly string[];
};

/** Where prompts enter one tower. */
export type TowerPromptSpec = {
  /** Prompt tokens of a layer. */
  readonly nCtx: number;
  /** Width of the tokens: the tower's. */
  readonly width: number;
  /**
   * Their position: appended at the `end`, as after patches; or the index of the first token they replace, as after the start token of texts (1).
   * Texts without a start token (SigLIP's) are counted as if they had one.
   */
  readonly at: PromptTokens['at'];
  /** The layers that are given tokens, in order; their number is the prompt depth. */
  readonly layers: readonly LayerPrompt[];
  /** Whether the tokens of the first of these layers are inserted between others instead of replacing some. */
  readonly inserted?: boolean;
};

/** An addition to a block of a tower, computed from the named parameters. */
export type LayerAdapter = { readonly layer: number; readonly sources: readonly string[] };

/** Where CoOp puts the class name: after the context tokens, between their halves, or before them. */
export type ContextPosition = 'end' | 'middle' | 'front';

/** Prompts of texts: the tokens of layer 0 are the context tokens around the class name. */
export type TextPromptSpec = TowerPromptSpec & {
  readonly position: ContextPosition;
  /** How many classes have a context of their own; absent: all classes share one context. */
  readonly classes?: number;
  /** Context tokens of layer 0 in front of `at`, which no later layer replaces; absent: there are none. */
  readonly before?: AnchoredTokens;
};

/** Context tokens with fixed words between them (ATPrompt: its attributes). */
export type AnchoredTokens = {
  /** The parameters that hold them, [n, width] each, in the order of the text. */
  readonly learnt: readonly string[];
  /** Their places in the text, ascending, the start token being 0. */
  readonly places: readonly number[];
};

/** What a method learns, and where its prompts enter both towers. */
export type PromptSpec = {
  /** Everything learnt: prompt tokens, and networks that compute some. */
  readonly parameters: ParameterShapes;
  /** Absent: the texts get no prompts. */
  readonly text?: TextPromptSpec;
  /** Absent: the image tower gets no prompts. */
  readonly image?: TowerPromptSpec;
  /** Blocks of each tower with an addition. Absent: none. */
  readonly adapters?: { readonly text?: readonly LayerAdapter[]; readonly image?: readonly LayerAdapter[] };
  /** Parameters that act on the features of a tower, by tower: adapters of features, residuals, projections. Absent: none. */
  readonly features?: FeatureParameters;
  /**
   * Parameters of a second branch after a tower, by tower. The branch reads the tower's output and leaves the feature unchanged (DePT's head, MMRL's second
   * projection). Absent: none.
   */
  readonly branches?: FeatureParameters;
  /** Parameters that no gradient moves: running statistics, which the loss updates. Absent: there are none. */
  readonly statistics?: readonly string[];
};

/** Names of parameters by the tower on whose features they act. */
export type FeatureParameters = Readonly<Partial<Record<(typeof TOWERS)[number], readonly string[]>>>;

export const TOWERS = ['text', 'image'] as const;

/** Tokens of one prompt insertion, as reports and saved runs have it. */
export type PromptPlace = {
  readonly layer: number;
  /** Number of tokens. */
  readonly rows: number;
  /** Names of the parameters they are computed from. */
  readonly sources: readonly string[];
};

/** A drawing of where prompts enter both towers. */
export type PromptLayout = {
  readonly text: readonly PromptPlace[];
  readonly image: readonly PromptPlace[];
  /** Layers of each tower whose blocks have an addition; absent in runs of earlier versions. */
  readonly adapters?: { readonly text: readonly number[]; readonly image: readonly number[] };
  /** See `PromptSpec.features`; absent where there are none. */
  readonly features?: FeatureParameters;
  /** See `PromptSpec.branches`; absent where there are none. */
  readonly branches?: FeatureParameters;
  /** See `PromptMethod.example`. */
  readonly example: string;
};

/** The parameters that the tokens of a layer are made from. */
export function sourcesOf({ learnt, computedFrom = [] }: LayerPrompt): readonly string[] {
  return learnt ? [learnt.name, ...computedFrom] : computedFrom;
}

/** Context tokens that texts refer to: those of all contexts, one after the other. */
export function contextTokens(text: TextPromptSpec | undefined): number {
  if (text?.layers[0]?.layer !== 0) return 0;
  return tokensBefore(text) + text.nCtx * (text.classes ?? 1);
}

/** Context tokens of layer 0 that no later layer replaces. */
function tokensBefore(tower: TowerPromptSpec | TextPromptSpec): number {
  return 'before' in tower ? (tower.before?.places.length ?? 0) : 0;
}

/** Tokens from `at` on that blocks after the first replace in all texts alike. */
export function replacedTokens(tower: TowerPromptSpec | undefined): number {
  return tower?.layers.some(({ layer, ofEachClass = false }) => layer > 0 && !ofEachClass) ? tower.nCtx : 0;
}

/** Whether some blocks replace tokens by other ones in every text. */
export function replacesByClass(tower: TowerPromptSpec | undefined): boolean {
  return tower?.layers.some(({ ofEachClass = false }) => ofEachClass) ?? false;
}

/** The drawing of `spec`. */
export function layoutOf(spec: PromptSpec, example: string): PromptLayout {
  const places = (tower: TowerPromptSpec): PromptPlace[] =>
    tower.layers.map((prompt) => {
      const rows = tower.nCtx + (prompt.layer === 0 ? tokensBefore(tower) : 0);
      return { layer: prompt.layer, rows, sources: sourcesOf(prompt) };
    });
  const adapted = (of: readonly LayerAdapter[] = []): number[] => of.map(({ layer }) => layer);
  const { text, image, features, branches, adapters } = spec;
  return {
    text: text ? places(text) : [],
    image: image ? places(image) : [],
    ...(features && { features }),
    ...(branches && { branches }),
    ...(adapters && { adapters: { text: adapted(adapters.text), image: adapted(adapters.image) } }),
    example,
  };
}

/**
 * Checks that a spec is consistent.
 * @throws MethodError naming the layer whose tokens cannot be made from the parameters
 */
export function promptSpec(method: string, spec: PromptSpec): PromptSpec {
  for (const tower of TOWERS) {
    const declared = spec[tower];
    if (!declared) continue;
    const { layers } = declared;
    for (const [index, prompt] of layers.entries()) {
      const fail = (problem: string, fix: string): never => {
        throw new MethodError(method, `layer ${prompt.layer} of the ${tower} tower ${problem}`, fix);
      };
      if (prompt.layer <= (layers[index - 1]?.layer ?? -1))
        fail('is declared out of order', 'declare each layer once, from 0 on');
      if (sourcesOf(prompt).length === 0)
        fail('has prompts that are made from nothing', 'name what is learnt, or what they are computed from');
      const unknown = sourcesOf(prompt).find((name) => !(name in spec.parameters));
      if (unknown !== undefined) fail(`has prompts from ${unknown}, which is not learnt`, 'name one of the parameters');
      if (prompt.ofEachClass && (tower === 'image' || prompt.layer === 0 || prompt.learnt))
        fail('has tokens of each class that are no computed ones of a later text layer', 'compute them, after the first layer');
      const misfit = prompt.learnt && misfitOf(declared, prompt.learnt, spec.parameters);
      if (misfit) fail(misfit, 'declare the shape that the tower takes');
    }
  }
  for (const tower of TOWERS)
    for (const { layer, sources } of spec.adapters?.[tower] ?? []) {
      const unknown = sources.find((name) => !(name in spec.parameters));
      if (unknown !== undefined || sources.length === 0)
        throw new MethodError(
          method,
          `the adapter of layer ${layer} of the ${tower} tower is made from ${unknown ?? 'nothing'}, which is not learnt`,
          'name parameters',
        );
    }
  for (const tower of TOWERS)
    for (const [what, names] of [
      ['the features', spec.features?.[tower] ?? []],
      ['the branches', spec.branches?.[tower] ?? []],
    ] as const)
      for (const name of names)
        if (!(name in spec.parameters))
          throw new MethodError(
            method,
            `${what} of the ${tower} tower use ${name}, which is not learnt`,
            'name one of the parameters',
          );
  const { text } = spec;
  if (text && replacedTokens(text) > 0 && (text.position !== 'end' || text.classes !== undefined))
    throw new MethodError(
      method,
      'its texts have deep prompts, and they do not all begin with the context',
      'use position "end" and one context',
    );
  const misplaced = text?.before && misplacement(text, text.before, spec.parameters);
  if (misplaced)
    throw new MethodError(method, `its context tokens before ${text.at} ${misplaced}`, 'declare a place for each of them');
  return spec;
}

/** Why tokens cannot be inserted before those that later layers replace; undefined where they can. */
function misplacement(text: TextPromptSpec, { learnt, places }: AnchoredTokens, parameters: ParameterShapes): string | undefined {
  const [first] = text.layers;
  if (first?.layer !== 0 || text.position !== 'end' || text.classes !== undefined || text.inserted)
    return 'need one context in layer 0 and the class name at the end';
  const missing = learnt.find((name) => parameters[name]?.[1] !== text.width || !sourcesOf(first).includes(name));
  if (missing !== undefined)
    return `are made from ${missing}, which is no parameter [n, ${text.width}] that layer 0 is computed from`;
  const count = learnt.reduce((sum, name) => sum + (parameters[name]?.[0] ?? 0), 0);
  if (count !== places.length) return `are ${count}, and have ${places.length} places`;
  const isAscending = places.every((place, index) => place > (places[index - 1] ?? 0));
  return isAscending && (places.at(-1) ?? 0) < Number(text.at)
    ? undefined
    : `have the places ${places.join(', ')}, which do not ascend to it`;
}

/** Why a parameter cannot be tokens of the tower; undefined where it can. */
function misfitOf(
  tower: TowerPromptSpec | TextPromptSpec,
  { name, index }: NonNullable<LayerPrompt['learnt']>,
  parameters: ParameterShapes,
): string | undefined {
  const shape = parameters[name] as readonly number[];
  const classes = 'classes' in tower ? tower.classes : undefined;
  const [parts, ...part] = shape as readonly [number, ...number[]];
  const tokens = [...(classes === undefined ? [] : [classes]), tower.nCtx, tower.width];
  const fits = index === undefined ? shape.join() === tokens.join() : index < parts && part.join() === tokens.join();
  return fits
    ? undefined
    : `has ${tokens.join(' x ')} tokens from ${name} of shape [${shape.join(', ')}]${index === undefined ? '' : `, part ${index}`}`;
}
