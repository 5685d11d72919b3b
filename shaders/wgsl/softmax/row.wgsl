// softmax.row: functions shared by softmax and the losses: exponentials below a maximum, and NaN found by its bits (comparisons are optimised away).
// Needs Value of rows.wgsl.
// Include only.
#if V == 4
alias BITS = vec4<u32>;
#else
alias BITS = u32;
#endif
const PLUS_INFINITY = 0x7f800000u;

/// The largest bits of a value without its sign: above PLUS_INFINITY for NaN.
fn magnitude_bits(v: Value) -> u32 {
#if V == 4
  let bits = bitcast<vec4<u32>>(v) & vec4<u32>(0x7fffffffu);
  return max(max(bits.x, bits.y), max(bits.z, bits.w));
#else
  return bitcast<u32>(v) & 0x7fffffffu;
#endif
}

/// exp(v), but NaN where v is: for v <= 0.
fn probability(v: Value) -> Value {
  return select(exp_below(v, 0.0), v, (bitcast<BITS>(v) & BITS(0x7fffffffu)) > BITS(PLUS_INFINITY));
}

/// exp(v - m) for v <= m: exactly 0 from -200 down, minus infinity included, whatever the adapter does with infinities.
fn exp_below(v: Value, m: f32) -> Value {
  let d = v - m;
  return select(exp(max(d, Value(-200.0))), Value(0.0), d < Value(-200.0));
}
