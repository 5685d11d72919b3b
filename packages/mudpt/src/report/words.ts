/** The words nearest to learnt text prompts, as CoOp's authors look at them: Euclidean distance to the rows of the token table. */
import { at } from '../at.ts';
import type { TextTower, Tokenizer } from '@mudpt/clip';
import type { PromptMethod } from '../methods/index.ts';

/** The nearest tokens of one learnt row. */
export type RowWords = { readonly row: number; readonly words: readonly { readonly word: string; readonly distance: number }[] };

/** The learnt rows of one layer of the text tower, or of one class where contexts are the classes' own. */
export type LayerWords = { readonly layer: number; readonly name: string; readonly rows: readonly RowWords[] };

/** Contexts of more classes than this are not looked at. */
const MAX_GROUPS = 12;
const ROWS_AT_ONCE = 8192;

/**
 * For every learnt row that enters the text tower (CoOp, interpret_prompt.py). Only rows of layer 0 lie in the table's space by construction;
 * deeper rows are compared as the papers of the family do. Rows that the other tower's prompts change are shown before that change.
 */
export async function nearestWords(
  method: Pick<PromptMethod, 'layout' | 'learnable'>,
  text: TextTower,
  tokenizer: Pick<Tokenizer, 'decode'>,
  count = 5,
): Promise<LayerWords[]> {
  const table = await tableOf(text);
  const { width } = text.config;
  const groups = await groupsOf(method, width);
  const layers: LayerWords[] = [];
  for (const { rows, ...group } of groups) {
    const told: RowWords[] = [];
    for (let row = 0; row < rows.length / width; row += 1) {
      // Each row is compared with a whole vocabulary: a signal must get through between two.
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

async function groupsOf({ layout, learnable }: Pick<PromptMethod, 'layout' | 'learnable'>, width: number): Promise<Group[]> {
  const sources = [...new Set(layout.text.flatMap((place) => place.sources.slice(0, 1)))];
  const groups: Group[] = [];
  for (const source of sources) {
    const learnt = learnable.get(source);
    if (!learnt || learnt.size === 0 || learnt.shape.at(-1) !== width) continue;
    const values = Float32Array.from((await learnt.data()) as ArrayLike<number>);
    const layers = layout.text.filter((place) => place.sources[0] === source).map(({ layer }) => layer);
    const [stack = 1] = learnt.rank === 3 ? learnt.shape : [1];
    const size = values.length / stack;
    for (let index = 0; index < Math.min(stack, MAX_GROUPS); index += 1) {
      const isPerClass = stack > 1 && layers.length !== stack;
      const layer = isPerClass ? at(layers, 0) : (layers[index] ?? at(layers, 0));
      groups.push({
        layer,
        name: isPerClass ? `class ${index}` : source,
        rows: values.subarray(index * size, (index + 1) * size),
      });
    }
  }
  return groups.sort((a, b) => a.layer - b.layer);
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
    for (let i = 0; i < width; i += 1) sum += (at(rows, id * width + i) - at(wanted, i)) ** 2;
    if (best.length === count && sum >= at(best, count - 1).distance) continue;
    best.push({ id, distance: sum });
    best.sort((a, b) => a.distance - b.distance);
    best.length = Math.min(best.length, count);
  }
  return best.map(({ id, distance }) => ({ id, distance: Math.sqrt(distance) }));
}
