// math.power: powers and floored division of f32, included after math.base.wgsl. Accuracy and special values: math.wgsl.
// Include only.

// a * b = high + low exactly (barring underflow), after Dekker and Veltkamp; splits by bits, so that no compiler can undo it.
struct math_Product { high: f32, low: f32 }
fn math_upper_half(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }
fn math_exact_product(a: f32, b: f32) -> math_Product {
  let ah = math_upper_half(a); let al = a - ah;
  let bh = math_upper_half(b); let bl = b - bh;
  let high = a * b;
  return math_Product(high, (((ah * bh - high) + ah * bl) + al * bh) + al * bl);
}
// x^y by exp(y log x), the logarithm and the product carried in two floats each. pow(x, 0) = pow(1, y) = 1; a negative x needs a whole y.
fn math_pow(x: f32, y: f32) -> f32 {
  let magnitude = abs(x);
  let parts = math_split(magnitude);
  let e = f32(parts.exponent);
  let f = parts.fraction - 1.0;
  // Of f - f^2 / 2 + f^3 P(f) the first two terms need more than one float.
  let square = math_exact_product(f, f);
  let main = e * 0.693359375;
  let sum = main + f;
  let sum_rest = select(main - sum + f, f - sum + main, e == 0.0);
  let high = sum - 0.5 * square.high;
  let high_rest = (sum - high) - 0.5 * square.high;
  let low = ((sum_rest + high_rest) - 0.5 * square.low) + (f * square.high * math_log_polynomial(f) - e * 2.12194440e-4);
  let log_high = high + low;
  let log_low = (high - log_high) + low;
  let product = math_exact_product(clamp(y, -1.0e30, 1.0e30), log_high);
  let moderate = abs(product.high) < 120.0;
  var result = math_exp(product.high) * (1.0 + select(0.0, product.low + y * log_low, moderate));
  result = select(result, select(0.0, math_infinity(), y < 0.0), magnitude == 0.0);
  result = select(result, select(math_infinity(), 0.0, y < 0.0), math_is_inf(x));
  let whole = floor(y) == y || math_is_inf(y);
  let odd = whole && abs(y) < 16777216.0 && (i32(y) & 1) == 1;
  result = select(result, -result, odd && math_is_negative(x));
  result = select(result, math_nan(), (x < 0.0 && !whole && !math_is_inf(x)) || math_is_nan(x) || math_is_nan(y));
  result = select(result, x * x, y == 2.0);
  return select(result, 1.0, y == 0.0 || x == 1.0 || (magnitude == 1.0 && math_is_inf(y)));
}

// floor(x / y) and the remainder with the sign of y; exact while the quotient is below 2^24.
struct math_Division { quotient: f32, remainder: f32 }
fn math_floor_divide(x: f32, y: f32) -> math_Division {
  var q = floor(x / y);
  let product = math_exact_product(q, y);
  var r = (x - product.high) - product.low;
  // The rounded quotient may be off by one.
  if (r != 0.0 && math_is_negative(r) != math_is_negative(y)) { q -= 1.0; r += y; }
  else if (abs(r) >= abs(y) && abs(x) >= abs(y)) { q += 1.0; r -= y; }
  return math_Division(q, r);
}
// a modulo b of finite a >= b > 0, exactly: the digits that a has beyond those of b are brought down eight at a time.
fn math_long_remainder(a: f32, b: f32) -> f32 {
  let bits = vec2<u32>(bitcast<u32>(a), bitcast<u32>(b));
  let digits = (bits & vec2<u32>(0x007fffffu)) | select(vec2<u32>(0u), vec2<u32>(0x00800000u), bits >= vec2<u32>(0x00800000u));
  let exponents = max(bits >> vec2<u32>(23u), vec2<u32>(1u));
  var rest = digits.x % digits.y;
  var left = exponents.x - exponents.y;
  while (left > 0u) {
    let step = min(left, 8u);
    rest = (rest << step) % digits.y;
    left -= step;
  }
  let scale = i32(exponents.y) - 150;
  let half = scale >> 1u;
  return f32(rest) * math_power_of_two(half) * math_power_of_two(scale - half);
}
fn math_mod(x: f32, y: f32) -> f32 {
  let division = math_floor_divide(x, y);
  var remainder = division.remainder;
  if (abs(division.quotient) >= 16777216.0 && y != 0.0 && math_is_finite(x) && math_is_finite(y)) {
    remainder = math_copy_sign(math_long_remainder(abs(x), abs(y)), x);
    if (remainder != 0.0 && math_is_negative(remainder) != math_is_negative(y)) { remainder += y; }
  }
  let edge = select(math_nan(), select(x, y, x != 0.0 && math_is_negative(x) != math_is_negative(y)), math_is_finite(x) && math_is_inf(y));
  return select(remainder, edge, y == 0.0 || !math_is_finite(x) || !math_is_finite(y));
}
fn math_floor_div(x: f32, y: f32) -> f32 {
  var plain = floor(x / y);
  let far = math_is_inf(y) && x != 0.0 && math_is_negative(x) != math_is_negative(y);
  plain = select(plain, -1.0, far);
  plain = select(plain, math_nan(), math_is_inf(x) && y != 0.0);
  return select(math_floor_divide(x, y).quotient, plain, y == 0.0 || !math_is_finite(x) || !math_is_finite(y) || abs(plain) >= 16777216.0);
}
