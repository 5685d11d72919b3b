/**
 * Texts with context tokens through the frozen text tower. Two layouts with equal results: all tokens of all classes side by side (plain), or
 * the shared prefix computed once and the rest packed without padding (packed; exact under the causal mask).
 */
import type { TextTower } from '@mudpt/clip';
import { chunked, inParts } from '@mudpt/autograd';
import { cat, type Device, narrow, scope, type Tensor } from '@mudpt/tensor';
import { MethodError } from '../../method/errors.ts';
import type { LayerTokens, TextPath } from '../../method/method.ts';
import type { TextPromptSpec } from '../../method/prompt-spec.ts';
import { KEEP_ALL, type TowerRematerialization } from '../../method/rematerialization.ts';
import type { PromptIds } from './prompt-ids.ts';
import { groupTexts, mostTokens } from './grouping.ts';
import { PackedTexts, prefixLength } from './packed-texts.ts';
import { PlainTexts } from './plain-texts.ts';
import { type GroupOptions, groupOptions, type TextGroup, type TextRun } from './text-group.ts';

export type TextPromptOptions = {
  readonly device: Device;
  readonly path: TextPath;
  /** Most tokens that run at once, padding included. Default: as many as fit into a storage binding of the device. */
  readonly most?: number;
  /** Rematerialization of the tower. Default: everything is kept. */
  readonly rematerialization?: TowerRematerialization;
  /** Whether the tower's blocks have additions. Default false. */
  readonly isAdapted?: boolean;
};

/** The texts from class `from` on. Rows are those of packed texts after what all share, else one a text. */
type PlacedGroup = { readonly group: TextGroup; readonly from: number; readonly count: number; readonly rowsBefore: number };

/**
 * The texts of some classes, laid out once; {@link forward} runs them with the current prompt tokens. Where all texts at once would not
 * fit into one storage binding of the device, they run in groups: the numbers are the same.
 */
export class TextPrompts {
  private groups: readonly PlacedGroup[] = [];
  private rematerialization: TowerRematerialization;
  private readonly groupOptions: GroupOptions;
  /** Length of the shared prefix of packed texts; undefined: texts are padded. */
  private readonly shared: number | undefined;

  /**
   * @param texts one a class
   * @param spec the learnt prompts in them; undefined: none
   * @throws MethodError when packing is requested where the replaced tokens differ between classes
   */
  constructor(
    private readonly tower: TextTower,
    private readonly texts: readonly PromptIds[],
    spec: TextPromptSpec | undefined,
    private readonly options: TextPromptOptions,
  ) {
    this.groupOptions = groupOptions(tower, options.device, spec, !options.isAdapted);
    const { at, replaced, inserted, mostShared } = this.groupOptions;
    const shared = prefixLength(texts, mostShared);
    const canPack = tower.isCausal && (at + replaced <= shared || (replaced === 0 && !inserted));
    if (options.path === 'packed' && !tower.isCausal)
      throw new MethodError(
        'prompts',
        'texts are to be packed, and in this text tower the beginning of a text depends on what follows',
        "leave the path at 'auto'",
      );
    if (options.path === 'packed' && !canPack) {
      throw new MethodError(
        'prompts',
        `texts share their first ${shared} tokens, and tokens ${at} to ${at + replaced - 1} are replaced`,
        "leave the path at 'auto'",
      );
    }
    const isPacked = options.path === 'packed' || (options.path === 'auto' && canPack);
    this.shared = isPacked ? shared : undefined;
    this.rematerialization = options.rematerialization ?? KEEP_ALL.text;
    this.cut();
  }

  /** Whether the texts are packed. */
  get isPacked(): boolean {
    return this.shared !== undefined;
  }

  /**
   * Features [C, embed], not normalised.
   * @param tokens by layer; undefined where nothing is learnt
   * @param adapters of the tower's blocks
   */
  forward(tokens: LayerTokens | undefined, adapters?: TextRun['adapters']): Tensor {
    const { recompute, microBatches } = this.rematerialization;
    const run = ({ group, from, count }: PlacedGroup, given: LayerTokens | undefined): Tensor =>
      group.forward(
        given?.map((layer) => (layer?.rank === 3 ? narrow(layer, 0, from, count) : layer)),
        { recompute, ...(adapters && { adapters }) },
      );
    const { groups } = this;
    const before = groups.map(({ from, rowsBefore }) => ({ rows: rowsBefore, sequences: from }));
    if (microBatches > 0)
      return chunked(
        run,
        groups.map((group) => [group, tokens] as const),
        0,
        before,
      );
    return scope(() => cat(inParts(before, (part) => run(groups[part] as PlacedGroup, tokens))));
  }

  /** From the next {@link forward} on. */
  rematerialize(rematerialization: TowerRematerialization): void {
    const isOtherCut = rematerialization.microBatches !== this.rematerialization.microBatches;
    this.rematerialization = rematerialization;
    if (isOtherCut) this.cut();
  }

  dispose(): void {
    for (const { group } of this.groups) group.dispose();
    this.groups = [];
  }

  private cut(): void {
    const { tower, texts, options, shared, rematerialization } = this;
    this.dispose();
    const length = options.path === 'full' || !tower.isCausal ? tower.config.context : 0;
    const limit = options.most ?? mostTokens(options.device, tower.config.hidden);
    const groups = groupTexts(texts, { groups: rematerialization.microBatches, limit, shared, length });
    // What is drawn for adapters is drawn by place, so groups are laid out as the whole would be.
    const { isAdapted = false } = options;
    const laidOut = (some: readonly PromptIds[]): TextGroup => {
      if (shared !== undefined) return new PackedTexts(some, { ...this.groupOptions, ...(isAdapted && { mostShared: shared }) });
      const longest = (isAdapted ? texts : some).map((text) => text.length);
      return new PlainTexts(some, Math.max(length, ...longest), this.groupOptions);
    };
    const rowsOf = (some: readonly PromptIds[]): number =>
      shared === undefined ? some.length : some.reduce((sum, text) => sum + text.length - shared, 0);
    let [from, rowsBefore] = [0, 0];
    this.groups = groups.map((some) => {
      const placed = { group: laidOut(some), from, count: some.length, rowsBefore };
      from += some.length;
      rowsBefore += rowsOf(some);
      return placed;
    });
  }
}
