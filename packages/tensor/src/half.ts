/** Half precision (IEEE 754 binary16) on the host: Node 20 has no Float16Array. Conversions go by bits, so they are exact in every case. */
const word = new DataView(new ArrayBuffer(4));

/** Nearest half of `value`, rounded once, ties to even; overflow gives infinity, NaN a quiet NaN. Returns the 16 bits. */
export function toHalf(value: number): number {
  word.setFloat32(0, value);
  const bits = word.getUint32(0);
  const single = word.getFloat32(0);
  if (single === value || !(Math.abs(single) < Number.POSITIVE_INFINITY)) return halfOfFloatBits(bits);
  // Between two f32: the one towards 0 with its last bit set is on the same side of every tie of f16 as the value.
  return halfOfFloatBits((Math.abs(single) > Math.abs(value) ? bits - 1 : bits) | 1);
}

/** Value of 16 half bits. */
export function fromHalf(half: number): number {
  word.setUint32(0, floatBitsOfHalf(half));
  return word.getFloat32(0);
}

/** The f16 bits nearest to the f32 with these bits, ties to even. */
export function halfOfFloatBits(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
  // 0x477ff000 is 65520, half way between the largest f16 and the next; a tie rounds to even, which is infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // 0x38800000 is 2^-14, the smallest normal f16: rebias the exponent and round away 13 bits; a carry runs into the exponent.
  if (magnitude >= 0x38800000) return sign | roundShift(magnitude - 0x38000000, 13);
  // 0x33000000 is 2^-25, half of the smallest subnormal; it and all below round to zero.
  if (magnitude <= 0x33000000) return sign;
  return sign | roundShift((magnitude & 0x7fffff) | 0x800000, 126 - (magnitude >>> 23));
}

/** `value / 2^shift`, to nearest, ties to even. */
function roundShift(value: number, shift: number): number {
  const floor = value >>> shift;
  const rest = value - floor * 2 ** shift;
  const half = 2 ** (shift - 1);
  return rest > half || (rest === half && (floor & 1) === 1) ? floor + 1 : floor;
}

/** The f32 bits of an f16, NaN payload included. */
export function floatBitsOfHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  if (fraction === 0) return sign >>> 0;
  // Subnormal: fraction * 2^-24; its leading bit becomes the implicit one.
  const shift = Math.clz32(fraction) - 21;
  return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)) >>> 0;
}
