/** Finds the state dict in what a checkpoint's pickle holds. */
import { FormatError } from '@mudpt/tensor';
import type { PickleValue } from './pickle.ts';
import { ScriptObject, TensorRecord } from './torch-names.ts';

const OP = 'readStateDict';
/** Where training scripts put it, the likeliest first. */
const USUAL_KEYS = ['state_dict', 'model_state_dict', 'model', 'module'];
/** No model is nested deeper, and a file must not make the walk long. */
const MAX_DEPTH = 64;
const MAX_OBJECTS = 100_000;

/** Names and tensors; other values (flags, sizes) are left out. @throws FormatError when there is none, or more than one */
export function findStateDict(root: PickleValue, file: string): Map<string, TensorRecord> {
  if (root instanceof ScriptObject) return scriptTensors(root, file);
  const own = tensorsOf(root);
  if (own.size > 0) return own;
  const candidates = new Map<string, Map<string, TensorRecord>>();
  if (root instanceof Map) {
    for (const [key, value] of root as ReadonlyMap<PickleValue, PickleValue>) {
      const inner = value instanceof ScriptObject ? scriptTensors(value, file) : tensorsOf(value);
      if (typeof key === 'string' && inner.size > 0) candidates.set(key, inner);
    }
  }
  const usual = USUAL_KEYS.find((key) => candidates.has(key));
  const found = usual !== undefined ? candidates.get(usual) : candidates.size === 1 ? [...candidates.values()][0] : undefined;
  if (found) return found;
  const holds = candidates.size > 1 ? `several: ${[...candidates.keys()].join(', ')}` : 'none';
  throw new FormatError(
    OP,
    `${file}: one dict of tensors is needed, the checkpoint holds ${holds}`,
    'save the state dict by itself: torch.save(model.state_dict(), path)',
  );
}

function tensorsOf(value: PickleValue): Map<string, TensorRecord> {
  const found = new Map<string, TensorRecord>();
  if (!(value instanceof Map)) return found;
  for (const [key, item] of value as ReadonlyMap<PickleValue, PickleValue>)
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
