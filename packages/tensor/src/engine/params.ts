/**
 * Kernel parameters: the layout of `struct Params` read from the WGSL itself, so the shader is the one source of truth, and its packing.
 */
import { TensorError } from '../errors.ts';

export type ParamValue = number | boolean | readonly number[];
export type Params = Readonly<Record<string, ParamValue>>;

type Scalar = 'u32' | 'i32' | 'f32';
type Field = { readonly name: string; readonly scalar: Scalar; readonly word: number; readonly words: number };
export type ParamsLayout = { readonly fields: readonly Field[]; readonly words: number };

/** Bytes of one parameter slot: the default uniform offset alignment, and so the largest Params struct. */
export const SLOT_BYTES = 256;
export const SLOT_WORDS = SLOT_BYTES / 4;

const FIELD = /(\w+)\s*:\s*(?:(u32|i32|f32)|vec([234])<(u32|i32|f32)>|array<vec4<(u32|i32|f32)>,\s*(\d+)u?>)\s*,?/g;

/** Layout of `struct Params` in `wgsl` by WGSL's uniform rules; no fields when there is no such struct. */
export function parseParams(kernel: string, wgsl: string): ParamsLayout {
  const body = /struct\s+Params\s*\{([^}]*)\}/.exec(wgsl)?.[1];
  if (body === undefined) return { fields: [], words: 0 };
  const text = body.replace(/\/\/.*$/gm, '');
  const fields: Field[] = [];
  let word = 0;
  const rest = text.replace(
    FIELD,
    (_, name: string, scalar?: Scalar, width?: string, inner?: Scalar, item?: Scalar, count?: string) => {
      const words = scalar ? 1 : width ? Number(width) : 4 * Number(count);
      const align = scalar ? 1 : width === '2' ? 2 : 4;
      word = Math.ceil(word / align) * align;
      fields.push({ name, scalar: scalar ?? inner ?? item ?? 'u32', word, words });
      word += words;
      return '';
    },
  );
  if (rest.trim() !== '') {
    throw new TensorError(
      `kernel ${kernel}`,
      `struct Params has a field the engine cannot pack: "${rest.trim()}"`,
      'use u32, i32, f32, their vectors, or arrays of vec4',
    );
  }
  if (word > SLOT_WORDS)
    throw new TensorError(`kernel ${kernel}`, `struct Params takes ${word * 4} bytes`, `keep it within ${SLOT_BYTES}`);
  return { fields, words: word };
}

/** Writes `params` into `target` at `base` (in words). Every field must be given, nothing else may be. */
export function packParams(kernel: string, layout: ParamsLayout, params: Params, target: ParamTarget, base: number): void {
  let given = 0;
  for (const field of layout.fields) {
    const value = params[field.name];
    if (value === undefined) {
      if (field.name.startsWith('pad')) continue;
      throw new TensorError(`kernel ${kernel}`, `parameter "${field.name}" is missing`, 'give every field of struct Params');
    }
    given += 1;
    const array = field.scalar === 'f32' ? target.f32 : field.scalar === 'i32' ? target.i32 : target.u32;
    if (typeof value === 'object') {
      for (let i = 0; i < field.words; i += 1) array[base + field.word + i] = value[i] ?? 0;
    } else {
      array[base + field.word] = Number(value);
    }
  }
  if (given !== Object.keys(params).length) {
    const known = layout.fields.map((field) => field.name);
    const unknown = Object.keys(params).filter((name) => !known.includes(name));
    throw new TensorError(
      `kernel ${kernel}`,
      `struct Params has no "${unknown.join('", "')}"`,
      `its fields are ${known.join(', ')}`,
    );
  }
}

/** One block of parameter memory seen as each scalar type. */
export class ParamTarget {
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly i32: Int32Array;
  readonly f32: Float32Array;

  constructor(words: number) {
    const buffer = new ArrayBuffer(words * 4);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f32 = new Float32Array(buffer);
  }
}
