// half: rounding to f16 within f32. Compilers leave out a conversion to f16 and back, by packing too, so this is done with integers.
// Include only.

/// The f16 nearest to v, ties to even, as f32.
fn half_round(v: f32) -> f32 {
  let bits = bitcast<u32>(v);
  let magnitude = bits & 0x7fffffffu;
  let sign = bits & 0x80000000u;
  if (magnitude > 0x7f800000u) { return v; }
  // From 65520 on infinity; below 2^-24, the least f16, zero up to half of it.
  if (magnitude >= 0x477ff000u) { return bitcast<f32>(sign | 0x7f800000u); }
  if (magnitude < 0x33800000u) { return bitcast<f32>(sign | select(0u, 0x33800000u, magnitude > 0x33000000u)); }
  // 13 bits go, more where f16 is subnormal.
  let drop = 13u + 113u - min(magnitude >> 23u, 113u);
  let even = (magnitude >> drop) & 1u;
  let whole = ((magnitude + (1u << (drop - 1u)) - 1u + even) >> drop) << drop;
  return bitcast<f32>(sign | whole);
}
