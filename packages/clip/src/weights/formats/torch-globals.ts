/**
 * The names in PyTorch's checkpoints that make tensors; every other name gives placeholders. Sources: torch/_utils.py (_rebuild_tensor_v2,
 * _rebuild_parameter), torch/serialization.py (persistent_id), torch/csrc/jit/serialization/unpickler.cpp.
 */
import type { SafetensorsDType } from '@mudpt/tensor';
import {
  PickleGlobal,
  PickleInstance,
  placeholderFor,
  Placeholder,
  type PickleNames,
  type PickleValue,
} from './pickle-values.ts';

/** Numbers of one dtype in one entry of the archive. */
export class StorageRecord extends PickleInstance {
  constructor(
    readonly dtype: SafetensorsDType,
    readonly key: string,
    /** Numbers, not bytes. */
    readonly count: number,
  ) {
    super();
  }
}

/** A tensor as the pickle tells of it: a strided view of a storage, in numbers. Not checked yet. */
export class TensorRecord extends PickleInstance {
  constructor(
    readonly storage: StorageRecord,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {
    super();
  }
}

/** An instance of a class of a TorchScript archive: its attributes, which are tensors, other modules and plain values. */
export class ScriptObject extends PickleInstance {
  attributes: ReadonlyMap<PickleValue, PickleValue> = new Map();

  override setState(state: PickleValue): void {
    if (!(state instanceof Map)) throw new Error('the state of a TorchScript module is no dict');
    this.attributes = state;
  }
}

/** PyTorch's storage classes. */
const STORAGES: Readonly<Record<string, SafetensorsDType>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

const first = ([value = null]: readonly PickleValue[]): PickleValue => value;

const FUNCTIONS: Readonly<Record<string, (args: readonly PickleValue[]) => PickleValue>> = {
  'collections OrderedDict': (args) => {
    if (args.length > 0) throw new Error('an OrderedDict is made with arguments');
    return new Map();
  },
  'torch._utils _rebuild_tensor_v2': ([storage, offset, shape, strides]) => {
    // Numbers of a dtype that no weights have (complex, quantised).
    if (storage instanceof Placeholder) return storage;
    if (!(storage instanceof StorageRecord)) throw new Error('a tensor has no storage');
    const sizes = naturals(shape, 'shape');
    const steps = naturals(strides, 'strides');
    if (sizes.length !== steps.length) throw new Error(`a tensor of shape [${sizes.join(', ')}] has ${steps.length} strides`);
    return new TensorRecord(storage, natural(offset, 'offset'), sizes, steps);
  },
  'torch._utils _rebuild_parameter': first,
  'torch._utils _rebuild_parameter_with_state': first,
  // A tensor that carries attributes: the function that rebuilds it, its class, the function's arguments, the attributes.
  'torch._tensor _rebuild_from_type_v2': ([rebuild, , args]) => {
    if (!(rebuild instanceof PickleGlobal) || !rebuild.call || !Array.isArray(args)) return new Placeholder('torch Tensor');
    return rebuild.call(args);
  },
  'torch Size': first,
  // TorchScript writes attributes that are lists through these.
  'torch.jit._pickle build_intlist': first,
  'torch.jit._pickle build_doublelist': first,
  'torch.jit._pickle build_boollist': first,
  'torch.jit._pickle build_tensorlist': first,
  'torch.jit._pickle restore_type_tag': first,
};

/** Names that are in a pickle only to run something where Python loads it. None of them does anything here; the file's reader is to know. */
const RUNS_CODE =
  /^(os|posix|nt|subprocess|sys|pty|runpy|socket|shutil|importlib|ctypes|commands|webbrowser) |^(builtins|__builtin__) (eval|exec|execfile|compile|__import__|open|input|breakpoint)$/;

/** @param script whether the archive is TorchScript, whose classes are all named `__torch__.*` */
export function torchNames(script: boolean): PickleNames {
  return {
    find(module, name) {
      const full = `${module} ${name}`;
      if (Object.hasOwn(FUNCTIONS, full)) return new PickleGlobal(full, FUNCTIONS[full]);
      if (module === 'torch' && Object.hasOwn(STORAGES, name)) return new PickleGlobal(full);
      if (script && /^__torch__(\.|$)/.test(module)) return new PickleGlobal(full, undefined, scriptObject);
      return RUNS_CODE.test(full) ? undefined : placeholderFor(full);
    },
    persistent(id) {
      const [kind, type, key, , count] = Array.isArray(id) ? (id as readonly PickleValue[]) : [];
      const dtype = type instanceof PickleGlobal ? STORAGES[type.name.replace(/^torch /, '')] : undefined;
      if (kind === 'storage' && type instanceof PickleGlobal && dtype === undefined) return new Placeholder(type.name);
      if (kind !== 'storage' || dtype === undefined || typeof key !== 'string')
        throw new Error('a persistent id is not that of a storage');
      return new StorageRecord(dtype, key, natural(count, 'number of elements'));
    },
  };
}

function scriptObject(args: readonly PickleValue[]): ScriptObject {
  if (args.length > 0) throw new Error('a TorchScript module is made with arguments');
  return new ScriptObject();
}

const MAX_RANK = 64;

function naturals(value: PickleValue | undefined, what: string): number[] {
  if (!Array.isArray(value) || value.length > MAX_RANK) throw new Error(`the ${what} of a tensor is no list of sizes`);
  return value.map((item: PickleValue) => natural(item, what));
}

function natural(value: PickleValue | undefined, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`the ${what} of a tensor is ${typeof value === 'number' ? value : typeof value}, not a whole number from 0 up`);
}
