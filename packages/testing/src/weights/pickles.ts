/** A writer of pickles in PyTorch's form (protocol 2), for tests and for files that no fixture holds. */

/** A call or an instance: what a global name makes of arguments. */
export interface Call {
  readonly global: readonly [module: string, name: string];
  readonly args?: readonly Picklable[];
  /** Instead of a call: an instance that gets this state. */
  readonly state?: ReadonlyMap<string, Picklable>;
  /** Instead of a call: the name itself. */
  readonly bare?: boolean;
  /** Instead of a call: a persistent id of these items. */
  readonly persistent?: readonly Picklable[];
}

export type Picklable = null | boolean | number | string | readonly Picklable[] | ReadonlyMap<string, Picklable> | Call;

/** Lists are written as tuples, as PyTorch writes shapes. */
export function pickle(value: Picklable): Uint8Array<ArrayBuffer> {
  const out: number[] = [0x80, 2];
  write(value, out);
  out.push(0x2e);
  return Uint8Array.from(out);
}

const line = (text: string) => [...new TextEncoder().encode(text), 0x0a];

function u32(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
}

function write(value: Picklable, out: number[]): void {
  if (value === null) out.push(0x4e);
  else if (typeof value === 'boolean') out.push(value ? 0x88 : 0x89);
  else if (typeof value === 'number') {
    if (Number.isInteger(value)) out.push(0x4a, ...u32(value));
    else out.push(0x47, ...new Uint8Array(Float64Array.of(value).buffer).reverse());
  } else if (typeof value === 'string') {
    const bytes = new TextEncoder().encode(value);
    out.push(0x58, ...u32(bytes.byteLength), ...bytes);
  } else if (Array.isArray(value)) {
    out.push(0x28);
    for (const item of value) write(item, out);
    out.push(0x74);
  } else if (value instanceof Map) {
    out.push(0x7d, 0x28);
    for (const [key, item] of value as ReadonlyMap<string, Picklable>) {
      write(key, out);
      write(item, out);
    }
    out.push(0x75);
  } else writeCall(value as Call, out);
}

function writeCall({ global, args = [], state, bare, persistent }: Call, out: number[]): void {
  if (persistent) {
    write(persistent, out);
    out.push(0x51);
    return;
  }
  out.push(0x63, ...line(global[0]), ...line(global[1]));
  if (bare) return;
  write(args, out);
  if (!state) out.push(0x52);
  else {
    out.push(0x81);
    write(state, out);
    out.push(0x62);
  }
}
