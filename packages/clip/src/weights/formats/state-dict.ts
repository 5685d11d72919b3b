/** Finds the state dict in what a checkpoint's pickle holds. */
import { FormatError } from '@mudpt/tensor';
import { hasTower } from '../names/naming.ts';
import { type PickleValue, Placeholder } from './pickle-values.ts';
import { ScriptObject, TensorRecord } from './torch-globals.ts';

const OP = 'readStateDict';
/** Keys under which training scripts put it, the likeliest first. */
const USUAL_KEYS = ['state_dict', 'model_state_dict', 'model', 'module'];
/** Most levels that are searched: no model is nested deeper, and a hostile file must not make the search long. */
const MAX_DEPTH = 64;
const MAX_OBJECTS = 100_000;

type Tensors = ReadonlyMap<string, TensorRecord>;
/** A dict of tensors, and the path to it: keys of dicts, places in lists and tuples. */
type Candidate = { readonly path: readonly (string | number)[]; readonly tensors: Tensors };

/**
 * Names and tensors; other values (flags, sizes) are left out. A dict with a CLIP's tensors counts wherever it lies and whatever lies beside
 * it: in dicts of any class, lists, tuples; of several the one under the usual keys. Without any, a dict of other tensors that lies at most
 * one key deep.
 * @throws FormatError when there is none, or more than one
 */
export function findStateDict(root: PickleValue, file: string): Tensors {
  const candidates = dictsOfTensors(root, file);
  const models = candidates.filter(({ tensors }) => hasTower(new Set(tensors.keys())));
  if (models.length > 0) return choose(models, file);
  const whole = candidates.find(({ path }) => path.length === 0);
  return (
    whole?.tensors ??
    choose(
      candidates.filter(({ path: [key], path: { length } }) => length === 1 && typeof key === 'string'),
      file,
    )
  );
}

/** The only one, or the one that the usual keys lead to. */
function choose(candidates: readonly Candidate[], file: string): Tensors {
  const ranks = new Map(candidates.map((candidate) => [candidate, candidate.path.map(rankOf)]));
  const [first, second] = [...ranks].sort(([, a], [, b]) => compare(a, b));
  if (first && (!second || (first[1].every(Number.isFinite) && compare(first[1], second[1]) < 0))) return first[0].tensors;
  const holds = candidates.length > 1 ? `several: ${candidates.map(({ path }) => path.join('.')).join(', ')}` : 'none';
  throw new FormatError(
    OP,
    `${file}: one dict of tensors is needed, the checkpoint holds ${holds}`,
    'save the state dict by itself: torch.save(model.state_dict(), path)',
  );
}

/** The rank of a key among the usual ones; places in lists and tuples have none. */
function rankOf(key: string | number): number {
  const at = typeof key === 'number' ? 0 : USUAL_KEYS.indexOf(key);
  return at < 0 ? Number.POSITIVE_INFINITY : at;
}

/** Orders by the first keys first; a dict comes before what lies in it. */
function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, rank] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    if (rank !== other) return rank < other ? -1 : 1;
  }
  return a.length - b.length;
}

/** All dicts that hold tensors under names. */
function dictsOfTensors(root: PickleValue, file: string): Candidate[] {
  const found: Candidate[] = [];
  const seen = new Set<PickleValue>();
  const visit = (value: PickleValue, path: Candidate['path']): void => {
    const inside = itemsOf(value);
    if (!inside || seen.has(value) || path.length > MAX_DEPTH || seen.size > MAX_OBJECTS) return;
    seen.add(value);
    const tensors = value instanceof ScriptObject ? scriptTensors(value, file) : tensorsOf(value);
    if (tensors.size > 0) found.push({ path, tensors });
    if (value instanceof ScriptObject) return;
    for (const [key, item] of inside) visit(item, [...path, key]);
  };
  visit(root, []);
  return found;
}

/** The entries of a container by name or place; undefined for other values. */
function itemsOf(value: PickleValue): (readonly [string | number, PickleValue])[] | undefined {
  if (value instanceof ScriptObject) return [];
  if (Array.isArray(value)) return [...(value as readonly PickleValue[]).entries()];
  const dict = dictOf(value);
  return dict && [...dict].filter((item): item is [string, PickleValue] => typeof item[0] === 'string');
}

/** A dict, or an object of another class that was given items as a dict is. */
function dictOf(value: PickleValue): ReadonlyMap<PickleValue, PickleValue> | undefined {
  if (value instanceof Placeholder) return value.items;
  return value instanceof Map ? (value as ReadonlyMap<PickleValue, PickleValue>) : undefined;
}

function tensorsOf(value: PickleValue): Tensors {
  const found = new Map<string, TensorRecord>();
  for (const [key, item] of dictOf(value) ?? [])
    if (typeof key === 'string' && item instanceof TensorRecord) found.set(key, item);
  return found;
}

/** The tensors of a module and of its modules, by the paths that state_dict() gives them. */
function scriptTensors(root: ScriptObject, file: string): Map<string, TensorRecord> {
  const found = new Map<string, TensorRecord>();
  let visited = 0;
  const visit = (object: ScriptObject, prefix: string, depth: number): void => {
    visited += 1;
    if (depth > MAX_DEPTH || visited > MAX_OBJECTS)
      throw new FormatError(OP, `${file}: its modules are nested without end`, 'fetch the file again');
    for (const [key, value] of object.attributes) {
      if (typeof key !== 'string') continue;
      if (value instanceof TensorRecord) found.set(prefix + key, value);
      else if (value instanceof ScriptObject) visit(value, `${prefix}${key}.`, depth + 1);
    }
  };
  visit(root, '', 0);
  return found;
}
