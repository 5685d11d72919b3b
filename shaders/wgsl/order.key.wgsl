// order.key: the u32 that sorts as a value of type T (KIND f, i or u) does. NaN is larger than every number, -0 equals 0.
// Include only.
fn key_of(value: ${T}) -> u32 {
#if KIND == "f"
  let bits = bitcast<u32>(f32(value));
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return 0xffffffffu; }
  if ((bits & 0x7fffffffu) == 0u) { return 0x80000000u; }
  return select(bits | 0x80000000u, ~bits, (bits & 0x80000000u) != 0u);
#elif KIND == "i"
  return bitcast<u32>(value) ^ 0x80000000u;
#else
  return value;
#endif
}
