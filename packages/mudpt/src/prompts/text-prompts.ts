/**
 * Texts with learnt rows through the frozen text tower. Two ways to the same numbers: all rows of all classes side by side (plain), or
 * what all texts begin with computed once and the rest packed without padding (packed; exact under the causal mask).
 */
import type { BlockHook, TextTower } from '@mudpt/clip';
import { chunked, noGrad } from '@mudpt/autograd';
import {
  cat,
  type Device,
  embedding,
  keep,
  narrow,
  packedSequences,
  type PackedSequences,
  reshape,
  scope,
  select,
  stack,
  type Tensor,
  tensor,
} from '@mudpt/tensor';
import { KEEP_ALL, type TowerRematerialization } from '../method/rematerialization.ts';
import { MethodError } from '../method/errors.ts';
import { learntRow, learntSlot, type SlotRow } from './tokens.ts';

/** Learnt rows for one tower. */
export type LayerRows = {
  /** [R, width]: the rows that slots refer to. */
  readonly first: Tensor;
  /** [n, width] for block 1, 2, ...: replace rows 1 to n of its input. Replaced rows get no positions. */
  readonly deep: readonly Tensor[];
};

/** `auto` packs where it is valid; `plain` pads to the longest text; `full` pads to the whole context, as the released code does. */
export type TextPath = 'auto' | 'packed' | 'plain' | 'full';

export type TextPromptOptions = {
  readonly device: Device;
  readonly path: TextPath;
  /** How many rows after the start token are replaced in deeper layers; 0 for none. */
  readonly replaced: number;
  /** Most rows that run at once, padding included. Default: what a storage binding of the device holds. */
  readonly most?: number;
  /** Default: everything is kept. */
  readonly rematerialization?: TowerRematerialization;
};

/** A piece of the shared beginning: learnt rows in sequence, or frozen ones. */
type Piece = { readonly from: number; readonly count: number } | Tensor;

type Packed = {
  readonly prefix: readonly Piece[];
  readonly rows: Gathered;
  readonly sequences: PackedSequences;
  /**
   * The start token as the input of block 1, 2, ..., [layers - 1, 1, width], where the prefix is nothing but it and rows that deeper layers
   * replace: it sees only itself, so it is the same in every step.
   */
  readonly starts: Tensor | undefined;
};

/** Rows picked from [learnt rows; frozen rows] by index, or all frozen. */
type Gathered = { readonly frozen: Tensor } | { readonly table: Tensor; readonly index: Tensor };

/**
 * The texts of some classes, laid out once; {@link forward} runs them with the learnt rows of the moment. Where all texts at once would not
 * fit into one storage binding of the device, they run in groups: the numbers are the same.
 */
export class TextPrompts {
  private groups: readonly TextGroup[] = [];
  private rematerialization: TowerRematerialization;
  /** Rows that all packed texts have once; undefined: they are padded. */
  private readonly shared: number | undefined;

  /**
   * @param slots one row list per class
   * @param learnt number of learnt rows the slots refer to
   * @throws MethodError when packing is asked for where the replaced rows differ between classes
   */
  constructor(
    private readonly tower: TextTower,
    private readonly slots: readonly SlotRow[],
    private readonly learnt: number,
    private readonly options: TextPromptOptions,
  ) {
    const shared = sharedLength(slots);
    const canPack = options.replaced === 0 || 1 + options.replaced <= shared;
    if (options.path === 'packed' && !canPack) {
      throw new MethodError(
        'prompts',
        `texts share their first ${shared} rows, and rows 1 to ${options.replaced} are replaced`,
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
    return this.groups.every((group) => group.isPacked);
  }

  /** Features [C, embed], not normalised. @param rows undefined where nothing is learnt */
  forward(rows: LayerRows | undefined): Tensor {
    const { recompute, microBatches } = this.rematerialization;
    const run = (group: TextGroup, own: LayerRows | undefined): Tensor => group.forward(own, recompute);
    if (microBatches > 0)
      return chunked(
        run,
        this.groups.map((group) => [group, rows] as const),
      );
    return scope(() => cat(this.groups.map((group) => run(group, rows))));
  }

  /** From the next {@link forward} on. */
  rematerialize(rematerialization: TowerRematerialization): void {
    const isOtherCut = rematerialization.microBatches !== this.rematerialization.microBatches;
    this.rematerialization = rematerialization;
    if (isOtherCut) this.cut();
  }

  private cut(): void {
    const { tower, slots, learnt, options, shared, rematerialization } = this;
    this.dispose();
    const length = options.path === 'full' ? tower.config.context : 0;
    const limit = options.most ?? largestGroup(options.device, tower.config.hidden);
    const groups = inParts(slots, rematerialization.microBatches, limit, { shared, length });
    const isPacked = shared !== undefined;
    this.groups = groups.map((group) => new TextGroup(tower, group, learnt, { ...options, isPacked }));
  }

  dispose(): void {
    for (const group of this.groups) group.dispose();
    this.groups = [];
  }
}

/** Rows whose widest intermediate, f32 [rows, hidden], fits into one storage binding. */
function largestGroup({ limits }: Device, hidden: number): number {
  return Math.floor(Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize) / (4 * hidden));
}

/** @param shared rows that packed texts have once; undefined: texts are padded to the longest of their group, or to `length` */
type Layout = { readonly shared: number | undefined; readonly length: number };

/** Cuts texts into `parts` groups (0: as few as `limit` allows) whose largest is as small as can be, and has at most `limit` rows. */
function inParts(slots: readonly SlotRow[], parts: number, limit: number, layout: Layout): SlotRow[][] {
  let [low, high] = [parts > 0 ? 1 : limit, limit];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (inGroups(slots, middle, layout).length <= parts) high = middle;
    else low = middle + 1;
  }
  return inGroups(slots, low, layout);
}

/** Cuts texts, in their order, into groups of at most `most` rows (a group has at least one text). */
function inGroups(slots: readonly SlotRow[], most: number, { shared, length }: Layout): SlotRow[][] {
  const groups: SlotRow[][] = [];
  let [packed, longest] = [0, length];
  for (const row of slots) {
    const last = groups.at(-1);
    packed += row.length - (shared ?? 0);
    longest = Math.max(longest, row.length);
    const rows = shared === undefined ? ((last?.length ?? 0) + 1) * longest : shared + packed;
    if (last && rows <= most) last.push(row);
    else {
      groups.push([row]);
      packed = row.length - (shared ?? 0);
      longest = Math.max(length, row.length);
    }
  }
  return groups;
}

class TextGroup {
  private readonly packed: Packed | undefined;
  private readonly plain: Gathered | undefined;
  private readonly eot: readonly number[];
  private readonly length: number;

  constructor(
    private readonly tower: TextTower,
    private readonly slots: readonly SlotRow[],
    private readonly learnt: number,
    private readonly options: TextPromptOptions & { readonly isPacked: boolean },
  ) {
    this.eot = slots.map((row) => row.length - 1);
    this.length = options.path === 'full' ? tower.config.context : Math.max(...slots.map((row) => row.length));
    if (options.isPacked) this.packed = scope(() => this.pack(sharedLength(slots)));
    else this.plain = scope(() => this.gathered(slots.flatMap((row) => padded(row, this.length))));
    for (const constant of this.constants()) keep(constant);
  }

  get isPacked(): boolean {
    return this.packed !== undefined;
  }

  forward(rows: LayerRows | undefined, recompute: boolean): Tensor {
    return scope(() => {
      const deep = rows?.deep ?? [];
      const prompted = { recompute, ...(deep.length > 0 && { prompts: { at: 1, layers: [undefined, ...deep] } }) };
      if (!this.packed) {
        const embeddings = reshape(gather(this.plain as Gathered, rows), [this.slots.length, this.length, -1]);
        return this.tower.forward({ embeddings, eot: this.eot }, prompted);
      }
      const { prefix, rows: rest, sequences, starts } = this.packed;
      const pieces = prefix.map((piece) => ('from' in piece ? narrow(learntRows(rows), 0, piece.from, piece.count) : piece));
      const input = { prefix: cat(pieces), rows: gather(rest, rows), sequences };
      if (!starts) return this.tower.forwardPacked(input, prompted);
      const whole = deep.map((tokens, index) => cat([select(starts, 0, index), tokens]));
      return this.tower.forwardPacked(input, { prompts: { at: 0, layers: [undefined, ...whole] }, recompute });
    });
  }

  dispose(): void {
    for (const constant of this.constants()) constant.dispose();
    this.packed?.sequences.dispose();
  }

  private pack(shared: number): Packed {
    const rest = this.slots.map((row) => row.slice(shared));
    return {
      prefix: this.pieces((this.slots[0] ?? []).slice(0, shared)),
      rows: this.gathered(rest.flat()),
      sequences: packedSequences(
        this.options.device,
        rest.map((row) => row.length),
      ),
      starts: this.starts(shared),
    };
  }

  private starts(shared: number): Tensor | undefined {
    const { replaced } = this.options;
    const [token = 0] = this.slots[0] ?? [];
    if (replaced === 0 || shared !== 1 + replaced || learntRow(token) !== undefined || this.tower.config.layers === 1)
      return undefined;
    const states: Tensor[] = [];
    const remember: BlockHook = (x, layer) => {
      if (layer > 0) states.push(keep(reshape(x, [1, -1])));
      return x;
    };
    noGrad(() => this.tower.hidden(reshape(this.frozen([token]), [1, 1, -1]), { hook: remember }));
    const starts = stack(states);
    for (const state of states) state.dispose();
    return starts;
  }

  private pieces(row: SlotRow): Piece[] {
    const pieces: Piece[] = [];
    for (let at = 0; at < row.length; ) {
      const from = learntRow(row[at] ?? 0);
      let end = at + 1;
      if (from === undefined) {
        while (end < row.length && learntRow(row[end] ?? 0) === undefined) end += 1;
        pieces.push(this.frozen(row.slice(at, end)));
      } else {
        while (end < row.length && row[end] === learntSlot(from + end - at)) end += 1;
        pieces.push({ from, count: end - at });
      }
      at = end;
    }
    return pieces;
  }

  private gathered(slots: SlotRow): Gathered {
    if (slots.every((slot) => learntRow(slot) === undefined)) return { frozen: this.frozen(slots) };
    const tokens = [...new Set(slots.filter((slot) => learntRow(slot) === undefined))];
    const places = new Map(tokens.map((token, place) => [token, this.learnt + place]));
    const index = Int32Array.from(slots, (slot) => learntRow(slot) ?? places.get(slot) ?? 0);
    return { table: this.frozen(tokens), index: tensor(index, { device: this.options.device }) };
  }

  /** Embeddings [ids, width] without positions. */
  private frozen(ids: readonly number[]): Tensor {
    return this.tower.tokens.rows(Int32Array.from(ids));
  }

  private constants(): Tensor[] {
    const of = (rows: Gathered): Tensor[] => ('frozen' in rows ? [rows.frozen] : [rows.table, rows.index]);
    const pieces = this.packed?.prefix.filter((piece): piece is Tensor => !('from' in piece)) ?? [];
    const starts = this.packed?.starts;
    return [
      ...pieces,
      ...(starts ? [starts] : []),
      ...(this.packed ? of(this.packed.rows) : []),
      ...(this.plain ? of(this.plain) : []),
    ];
  }
}

function gather(from: Gathered, rows: LayerRows | undefined): Tensor {
  if ('frozen' in from) return from.frozen;
  return embedding(cat([learntRows(rows), from.table]), from.index);
}

function learntRows(rows: LayerRows | undefined): Tensor {
  if (rows) return rows.first;
  throw new MethodError('prompts', 'the texts have places for learnt rows and none are given', 'give the rows');
}

/** How many first rows all texts have in common; at least one row of each stays its own. */
function sharedLength(slots: readonly SlotRow[]): number {
  const [first = []] = slots;
  const most = Math.min(...slots.map((row) => row.length)) - 1;
  const differs = first.findIndex((slot, at) => slots.some((row) => row[at] !== slot));
  return Math.max(0, Math.min(most, differs < 0 ? first.length : differs));
}

function padded(row: SlotRow, length: number): SlotRow {
  return [...row, ...Array.from({ length: length - row.length }, () => 0)];
}
