/** The words nearest to learnt text prompts, as CoOp's authors look at them: Euclidean distance to the rows of the token table. */
import { nth } from '@mudpt/tensor/internal';
import type { TextTokenizer, TextTower } from '@mudpt/clip';
import type { PromptMethod } from '../methods/index.ts';

/** The nearest tokens of one prompt token. */
export type RowWords = { readonly row: number; readonly words: readonly { readonly word: string; readonly distance: number }[] };

/** The prompt tokens of one layer of the text tower, or of one class where each has a context. */
export type LayerWords = { readonly layer: number; readonly name: string; readonly rows: readonly RowWords[] };

/** Most class-specific contexts that are searched. */
const MAX_GROUPS = 12;
const ROWS_AT_ONCE = 8192;

/**
 * For every learnt prompt token of the text tower (CoOp, interpret_prompt.py). Only those of layer 0 lie in the table's space by construction;
 * deeper ones are compared as the papers of the family do. Tokens that the other tower's prompts change are shown before that change.
 */
export async function nearestWords(
  method: Pick<PromptMethod, 'spec' | 'learnable'>,
  text: TextTower,
  tokenizer: Pick<TextTokenizer, 'decode'>,
  count = 5,
): Promise<LayerWords[]> {
  const table = await tableOf(text);
  const { width } = text.config;
  const groups = await groupsOf(method, width);
  const layers: LayerWords[] = [];
  for (const { rows, ...group } of groups) {
    const told: RowWords[] = [];
    for (let row = 0; row < rows.length / width; row += 1) {
      // Each row is compared with the whole vocabulary, so signals are handled between rows.
      await new Promise((resume) => setTimeout(resume));
      const words = nearest(table, rows.subarray(row * width, (row + 1) * width), count).map(({ id, distance }) => ({
        word: tokenizer.decode([id]).trim() || `token ${id}`,
        distance,
      }));
      told.push({ row, words });
    }
    layers.push({ ...group, rows: told });
  }
  return layers;
}

type Group = { readonly layer: number; readonly name: string; readonly rows: Float32Array };

async function groupsOf({ spec, learnable }: Pick<PromptMethod, 'spec' | 'learnable'>, width: number): Promise<Group[]> {
  const groups: Group[] = [];
  const { text } = spec;
  if (!text) return groups;
  for (const name of text.before?.learnt ?? []) {
    const tensor = learnable.get(name);
    if (tensor) groups.push({ layer: 0, name, rows: Float32Array.from((await tensor.data()) as ArrayLike<number>) });
  }
  const read = new Map<string, Float32Array>();
  const seen = new Set<string>();
  for (const { layer, learnt } of text.layers) {
    const tensor = learnt && learnable.get(learnt.name);
    if (!learnt || !tensor) continue;
    const { name, index } = learnt;
    if (seen.has(`${name} ${index}`)) continue;
    seen.add(`${name} ${index}`);
    const values = read.get(name) ?? Float32Array.from((await tensor.data()) as ArrayLike<number>);
    read.set(name, values);
    const part = (at: number): Float32Array => values.subarray(at * text.nCtx * width, (at + 1) * text.nCtx * width);
    const classes = Math.min(text.classes ?? 0, MAX_GROUPS);
    if (classes > 0)
      for (let label = 0; label < classes; label += 1) groups.push({ layer, name: `class ${label}`, rows: part(label) });
    else groups.push({ layer, name, rows: part(index ?? 0) });
  }
  return groups;
}

type Table = { readonly rows: Float32Array; readonly width: number };

/** The whole table, read in parts: a frozen one is in host memory, and no part exceeds what a device binds. */
async function tableOf({ tokens }: TextTower): Promise<Table> {
  const { vocabulary, width } = tokens;
  const rows = new Float32Array(vocabulary * width);
  for (let first = 0; first < vocabulary; first += ROWS_AT_ONCE) {
    const ids = Int32Array.from({ length: Math.min(ROWS_AT_ONCE, vocabulary - first) }, (_, i) => first + i);
    using part = tokens.rows(ids);
    rows.set((await part.data()) as Float32Array, first * width);
  }
  return { rows, width };
}

function nearest({ rows, width }: Table, wanted: Float32Array, count: number): { id: number; distance: number }[] {
  const best: { id: number; distance: number }[] = [];
  for (let id = 0; id < rows.length / width; id += 1) {
    let sum = 0;
    for (let i = 0; i < width; i += 1) sum += (nth(rows, id * width + i) - nth(wanted, i)) ** 2;
    if (best.length === count && sum >= nth(best, count - 1).distance) continue;
    best.push({ id, distance: sum });
    best.sort((a, b) => a.distance - b.distance);
    best.length = Math.min(best.length, count);
  }
  return best.map(({ id, distance }) => ({ id, distance: Math.sqrt(distance) }));
}
