// integer: arithmetic of C = i32 or u32, included by pointwise. Division by zero gives x (quotient) and 0 (remainder), as WGSL defines.
// Include only.

// Quotient rounded towards minus infinity.
fn integer_floor_div(x: C, y: C) -> C {
  let opposite = (x < C(0)) != (y < C(0));
  return x / y - select(C(0), C(1), opposite && x % y != C(0));
}
// Remainder with the sign of y.
fn integer_mod(x: C, y: C) -> C {
  let rest = x % y;
  return select(rest, rest + y, rest != C(0) && (rest < C(0)) != (y < C(0)));
}
// x^y modulo 2^32; a negative exponent gives the truncated quotient 1 / x^-y: 0 except for x = 1 and x = -1.
fn integer_pow(x: C, y: C) -> C {
  var result = C(1);
  var factor = x;
  let magnitude = select(u32(y), 0u - u32(y), y < C(0));
  for (var rest = magnitude; rest != 0u; rest = rest >> 1u) {
    if ((rest & 1u) == 1u) { result = result * factor; }
    factor = factor * factor;
  }
  let unit = result * result == C(1);
  return select(result, select(C(0), result, unit && (x == C(1) || x + C(1) == C(0))), y < C(0));
}
// Bits moved by y, which WGSL takes modulo 32; beyond that nothing of x is left but, of i32 moved down, its sign.
fn integer_shift_left(x: C, y: C) -> C { return select(C(0), x << (u32(y) & 31u), u32(y) < 32u); }
fn integer_shift_right(x: C, y: C) -> C {
  let by = u32(y);
  return select((x >> 16u) >> 15u, x >> (by & 31u), by < 32u) & select(C(0), ~C(0), by < 32u || x < C(0));
}
fn integer_shift_right_logical(x: C, y: C) -> C { return select(C(0), C(u32(x) >> (u32(y) & 31u)), u32(y) < 32u); }
// Euclid's algorithm, of magnitudes.
fn integer_gcd_unsigned(x: u32, y: u32) -> u32 {
  var a = x;
  var b = y;
  while (b != 0u) {
    let rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}
fn integer_magnitude(x: C) -> u32 { return select(u32(x), 0u - u32(x), x < C(0)); }
fn integer_gcd(x: C, y: C) -> C { return C(integer_gcd_unsigned(integer_magnitude(x), integer_magnitude(y))); }
fn integer_lcm(x: C, y: C) -> C {
  let a = integer_magnitude(x);
  let b = integer_magnitude(y);
  return C(a / max(integer_gcd_unsigned(a, b), 1u) * b);
}
