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
