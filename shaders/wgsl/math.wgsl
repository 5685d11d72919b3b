// math: elementary functions of f32, included by other kernels.
// Include only.
// WGSL lets an adapter compute exp, log, sin or pow with errors of many units in the last place, and NaN and infinity are left to it
// (SwiftShader: exp(NaN) = infinity, tanh(100) = NaN). These have relative errors of about 2e-7 everywhere and treat NaN, infinity and zero
// as IEEE 754 functions do. Subnormal results may be flushed to zero.
// Polynomials: exp, log, sin, cos, sinh, tanh, asin, atan after the Cephes library (S. Moshier); erf, erfc after N. Juffa.
// No function relies on fused multiply-add, or on infinities surviving constant folding: special values are tested and made by bits.

fn math_is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
fn math_is_inf(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u; }
fn math_is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }
fn math_is_negative(x: f32) -> bool { return (bitcast<u32>(x) & 0x80000000u) != 0u; }

// WGSL refuses constants that are not finite, so these are computed from a variable.
fn math_infinity() -> f32 { var bits = 0x7f800000u; return bitcast<f32>(bits); }
fn math_nan() -> f32 { var bits = 0x7fc00000u; return bitcast<f32>(bits); }
// The magnitude of x with the sign of s.
fn math_copy_sign(x: f32, s: f32) -> f32 {
  return bitcast<f32>((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(s) & 0x80000000u));
}

// NaN if either operand is NaN, unlike max and min of WGSL.
fn math_maximum(x: f32, y: f32) -> f32 {
  return select(select(y, x, x > y), select(y, x, math_is_nan(x)), math_is_nan(x) || math_is_nan(y));
}
fn math_minimum(x: f32, y: f32) -> f32 {
  return select(select(y, x, x < y), select(y, x, math_is_nan(x)), math_is_nan(x) || math_is_nan(y));
}
fn math_sign(x: f32) -> f32 {
  return select(select(0.0, x, math_is_nan(x)), select(-1.0, 1.0, x > 0.0), x > 0.0 || x < 0.0);
}
fn math_round(x: f32) -> f32 { return select(x, round(x), abs(x) < 8388608.0); }

// exp(r) = 1 + r + math_exp_tail(r) for |r| <= log(2) / 2.
fn math_exp_tail(r: f32) -> f32 {
  var p = 1.9875691500e-4;
  p = p * r + 1.3981999507e-3;
  p = p * r + 8.3334519073e-3;
  p = p * r + 4.1665795894e-2;
  p = p * r + 1.6666665459e-1;
  p = p * r + 5.0000001201e-1;
  return p * r * r;
}
// 2^n for whole n from -126 to 127.
fn math_power_of_two(n: i32) -> f32 { return bitcast<f32>(u32(n + 127) << 23u); }
fn math_exp(x: f32) -> f32 {
  let bounded = clamp(x, -104.0, 89.0);
  let n = floor(bounded * 1.4426950408889634 + 0.5);
  let r = (bounded - n * 0.693359375) + n * 2.12194440e-4;
  let whole = i32(n);
  let half = whole >> 1u;
  let y = ((1.0 + (r + math_exp_tail(r))) * math_power_of_two(half)) * math_power_of_two(whole - half);
  return select(y, x, math_is_nan(x));
}
fn math_exp2(x: f32) -> f32 {
  let bounded = clamp(x, -152.0, 129.0);
  let n = floor(bounded + 0.5);
  let r = (bounded - n) * 0.69314718055994531;
  let whole = i32(n);
  let half = whole >> 1u;
  let y = ((1.0 + (r + math_exp_tail(r))) * math_power_of_two(half)) * math_power_of_two(whole - half);
  return select(y, x, math_is_nan(x));
}
fn math_expm1(x: f32) -> f32 {
  return select(math_exp(x) - 1.0, x + math_exp_tail(x), abs(x) < 0.34);
}

// log(1 + f) = f - f^2 / 2 + f^3 P(f) for sqrt(1/2) <= 1 + f < sqrt(2).
fn math_log_polynomial(f: f32) -> f32 {
  var p = 7.0376836292e-2;
  p = p * f - 1.1514610310e-1;
  p = p * f + 1.1676998740e-1;
  p = p * f - 1.2420140846e-1;
  p = p * f + 1.4249322787e-1;
  p = p * f - 1.6668057665e-1;
  p = p * f + 2.0000714765e-1;
  p = p * f - 2.4999993993e-1;
  p = p * f + 3.3333331174e-1;
  return p;
}
fn math_log_near_one(f: f32) -> f32 {
  let square = f * f;
  return f + (f * square * math_log_polynomial(f) - 0.5 * square);
}
// x = fraction * 2^exponent with sqrt(1/2) <= fraction < sqrt(2), for finite x > 0, subnormal ones included.
struct math_Parts { fraction: f32, exponent: i32 }
fn math_split(x: f32) -> math_Parts {
  let given = bitcast<u32>(x);
  let tiny = given < 0x00800000u;
  let bits = select(given, bitcast<u32>(f32(given)), tiny);
  let exponent = (bitcast<i32>(bits) - 0x3f3504f3) >> 23u;
  return math_Parts(bitcast<f32>(bits - (bitcast<u32>(exponent) << 23u)), exponent - select(0, 149, tiny));
}
// The value of a logarithm where x is not a positive finite number.
fn math_log_edge(x: f32, y: f32) -> f32 {
  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) == 0u) { return -math_infinity(); }
  if (bits > 0x7f800000u) { return math_nan(); }
  return select(y, x, bits == 0x7f800000u);
}
fn math_log(x: f32) -> f32 {
  let parts = math_split(x);
  let e = f32(parts.exponent);
  return math_log_edge(x, (math_log_near_one(parts.fraction - 1.0) - e * 2.12194440e-4) + e * 0.693359375);
}
fn math_log2(x: f32) -> f32 {
  let parts = math_split(x);
  return math_log_edge(x, math_log_near_one(parts.fraction - 1.0) * 1.4426950408889634 + f32(parts.exponent));
}
fn math_log10(x: f32) -> f32 {
  let parts = math_split(x);
  let e = f32(parts.exponent);
  let small = math_log_near_one(parts.fraction - 1.0) * 0.43429448190325183 + e * 2.48745663981195e-4;
  return math_log_edge(x, small + e * 0.30078125);
}
fn math_log1p(x: f32) -> f32 {
  if (x > -0.29 && x < 0.41) { return math_log_near_one(x); }
  return math_log(1.0 + x);
}

fn math_tanh(x: f32) -> f32 {
  let a = abs(x);
  let z = x * x;
  var p = -5.70498872745e-3;
  p = p * z + 2.06390887954e-2;
  p = p * z - 5.37397155531e-2;
  p = p * z + 1.33314422036e-1;
  p = p * z - 3.33332819422e-1;
  let large = math_copy_sign(1.0 - 2.0 / (math_exp(2.0 * min(a, 20.0)) + 1.0), x);
  return select(select(large, x + x * (z * p), a < 0.625), x, math_is_nan(x));
}
// Both from exp(|x| / 2), whose square overflows no sooner than they do.
fn math_sinh(x: f32) -> f32 {
  let z = x * x;
  var p = 2.03721912945e-4;
  p = p * z + 8.33028376239e-3;
  p = p * z + 1.66667160211e-1;
  let e = math_exp(0.5 * abs(x));
  let large = math_copy_sign(0.5 * e * e - 0.5 / e / e, x);
  return select(large, x + x * (z * p), abs(x) < 1.0);
}
fn math_cosh(x: f32) -> f32 {
  let e = math_exp(0.5 * abs(x));
  return 0.5 * e * e + 0.5 / e / e;
}
fn math_sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + math_exp(-x)); }
fn math_softplus(x: f32) -> f32 { return math_maximum(x, 0.0) + math_log1p(math_exp(-abs(x))); }
// x * factor, but 0 where the factor vanished: the limit of x * sigmoid(x) and its like at minus infinity.
fn math_gate(x: f32, factor: f32) -> f32 { return select(x * factor, 0.0, factor == 0.0); }

fn math_erf(x: f32) -> f32 {
  let a = min(abs(x), 4.0);
  let s = a * a;
  var p = -1.72853470e-5 * a + 3.83197126e-4;
  p = p * s + (-3.88396438e-3 * a + 2.42546219e-2);
  p = p * a - 1.06777877e-1;
  p = p * a - 6.34846687e-1;
  p = p * a - 1.28717512e-1;
  let large = math_copy_sign(1.0 - math_exp(p * a - a), x);
  var q = -5.96761703e-4;
  q = q * s + 4.99119423e-3;
  q = q * s - 2.67681349e-2;
  q = q * s + 1.12819925e-1;
  q = q * s - 3.76125336e-1;
  q = q * s + 1.28379166e-1;
  return select(select(large, x + x * q, a <= 0.927734375), x, math_is_nan(x));
}
// 1 - erf(x), to relative accuracy in the upper tail.
fn math_erfc(x: f32) -> f32 {
  let a = min(abs(x), 10.5);
  let q = (a - 2.0) / (a + 2.0);
  var p = -4.01139259e-4;
  p = p * q - 1.23075210e-3;
  p = p * q + 1.31355342e-3;
  p = p * q + 8.63227434e-3;
  p = p * q - 8.05991981e-3;
  p = p * q - 5.42046614e-2;
  p = p * q + 1.64055392e-1;
  p = p * q - 1.66031361e-1;
  p = p * q - 9.27639827e-2;
  p = p * q + 2.76978403e-1;
  let tail = ((1.0 + p) / (1.0 + 2.0 * a)) * math_exp(-a * a);
  return select(select(tail, 2.0 - tail, x < 0.0), x, math_is_nan(x));
}
// Standard normal distribution: cumulative and density.
fn math_normal_cumulative(x: f32) -> f32 { return 0.5 * math_erfc(x * -0.70710678118654752); }
fn math_normal_density(x: f32) -> f32 { return 0.3989422804014327 * math_exp(-0.5 * x * x); }
// 0.5 (1 + tanh(u)) with u = sqrt(2/pi) (x + 0.044715 x^3), written as sigmoid(2u).
/// tanh(softplus(x)) = n / (n + 2) with n = exp(x) (exp(x) + 2), and its derivative; above 20 both have reached their limits.
fn math_mish_gate(x: f32) -> f32 {
  let e = math_exp(math_minimum(x, 20.0));
  let n = e * (e + 2.0);
  return n / (n + 2.0);
}
fn math_mish_slope(x: f32) -> f32 {
  let e = math_exp(math_minimum(x, 20.0));
  let n = e * (e + 2.0) + 2.0;
  return select(4.0 * e * (e + 1.0) / (n * n), 0.0, x > 20.0);
}

fn math_gelu_tanh_gate(x: f32) -> f32 { return math_sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x)); }
fn math_gelu_tanh_derivative(x: f32) -> f32 {
  let gate = math_gelu_tanh_gate(x);
  return gate + math_gate(1.5957691216057308 * (x + 0.134145 * x * x * x), gate * math_gelu_tanh_gate(-x));
}

// The high 32 bits of a * b, by halves: WGSL has no 64-bit product.
fn math_mul_high(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu; let ah = a >> 16u;
  let bl = b & 0xffffu; let bh = b >> 16u;
  let middle = ah * bl + ((al * bl) >> 16u);
  let low = al * bh + (middle & 0xffffu);
  return ah * bh + (middle >> 16u) + (low >> 16u);
}
// x = remainder + quadrant * pi/2 with |remainder| <= pi/4.
struct math_Angle { remainder: f32, quadrant: i32 }
// Word i of 2/pi as a fixed-point number with two bits before the point, 0 in front of it.
fn math_two_over_pi(i: i32) -> u32 {
  switch (i) {
    case 0: { return 0x28be60dbu; }
    case 1: { return 0x9391054au; }
    case 2: { return 0x7f09d5f4u; }
    case 3: { return 0x7d4d3770u; }
    case 4: { return 0x36d8a566u; }
    case 5: { return 0x4f10e410u; }
    default: { return 0u; }
  }
}
// Payne and Hanek: multiplies by just those bits of 2/pi that matter, so that any finite x keeps full accuracy.
fn math_reduce_large(x: f32) -> math_Angle {
  let bits = bitcast<u32>(x);
  let mantissa = ((bits & 0x007fffffu) << 8u) | 0x80000000u;
  let e = i32((bits >> 23u) & 0xffu) - 126;
  let word = e >> 5u;
  let shift = u32(e & 31);
  let w0 = math_two_over_pi(word - 1);
  let w1 = math_two_over_pi(word);
  let w2 = math_two_over_pi(word + 1);
  let w3 = math_two_over_pi(word + 2);
  // A shift by 32 is undefined, so the right shift goes in two steps.
  let high = (w0 << shift) | ((w1 >> 1u) >> (31u - shift));
  let mid = (w1 << shift) | ((w2 >> 1u) >> (31u - shift));
  let low = (w2 << shift) | ((w3 >> 1u) >> (31u - shift));
  let carry_in = math_mul_high(mantissa, low);
  let bottom_product = mantissa * mid;
  let bottom = bottom_product + carry_in;
  let top = mantissa * high + math_mul_high(mantissa, mid) + select(0u, 1u, bottom < bottom_product);
  // top:bottom has two bits of quadrant, then the fraction; to nearest quadrant.
  var quadrant = i32(top >> 30u);
  var fraction_high = top & 0x3fffffffu;
  var fraction_low = bottom;
  var sign = 1.0;
  if (fraction_high >= 0x20000000u) {
    quadrant += 1;
    sign = -1.0;
    fraction_low = ~bottom + 1u;
    fraction_high = 0x40000000u - fraction_high - select(1u, 0u, bottom == 0u);
  }
  let zeros = countLeadingZeros(fraction_high);
  let shifted = select(fraction_low, (fraction_high << zeros) | ((fraction_low >> 1u) >> (31u - min(zeros, 31u))), zeros < 32u);
  let scale = math_power_of_two(-30 - i32(zeros));
  let remainder = sign * (f32(shifted) * 1.5707963267948966) * scale;
  if (math_is_negative(x)) { return math_Angle(-remainder, -quadrant); }
  return math_Angle(remainder, quadrant);
}
fn math_reduce_angle(x: f32) -> math_Angle {
  if (abs(x) < 8000.0) {
    let n = floor(x * 0.63661977236758134 + 0.5);
    let r = ((x - n * 1.5703125) - n * 4.837512969970703125e-4) - n * 7.549789948768648e-8;
    return math_Angle(r, i32(n));
  }
  return math_reduce_large(x);
}
fn math_sin_polynomial(r: f32) -> f32 {
  let z = r * r;
  return r + r * z * ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1);
}
fn math_cos_polynomial(r: f32) -> f32 {
  let z = r * r;
  return (1.0 - 0.5 * z) + z * z * ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2);
}
// sin(angle) for turns = 0, cos for turns = 1.
fn math_sin_of_angle(angle: math_Angle, turns: i32) -> f32 {
  let q = (angle.quadrant + turns) & 3;
  let y = select(math_sin_polynomial(angle.remainder), math_cos_polynomial(angle.remainder), (q & 1) == 1);
  return select(y, -y, q >= 2);
}
fn math_sin(x: f32) -> f32 { return select(math_nan(), math_sin_of_angle(math_reduce_angle(x), 0), math_is_finite(x)); }
fn math_cos(x: f32) -> f32 { return select(math_nan(), math_sin_of_angle(math_reduce_angle(x), 1), math_is_finite(x)); }
fn math_tan(x: f32) -> f32 {
  let angle = math_reduce_angle(x);
  return select(math_nan(), math_sin_of_angle(angle, 0) / math_sin_of_angle(angle, 1), math_is_finite(x));
}

// Angle of the point (x, y), first the ordinate y.
fn math_atan2(y: f32, x: f32) -> f32 {
  let ax = abs(x);
  let ay = abs(y);
  let large = max(ax, ay);
  let small = min(ax, ay);
  // Equal magnitudes (infinities among them) have the ratio 1; the origin takes 0.
  let ratio = select(select(small / large, 1.0, ax == ay), 0.0, large == 0.0);
  let steep = ratio > 0.41421356;
  let t = select(ratio, (ratio - 1.0) / (ratio + 1.0), steep);
  let z = t * t;
  var p = 8.05374449538e-2;
  p = p * z - 1.38776856032e-1;
  p = p * z + 1.99777106478e-1;
  p = p * z - 3.33329491539e-1;
  var angle = (t + t * z * p) + select(0.0, 0.78539816339744831, steep);
  angle = select(angle, 1.5707963267948966 - angle, ay > ax);
  angle = select(angle, 3.1415926535897932 - angle, math_is_negative(x));
  return select(math_copy_sign(angle, y), math_nan(), math_is_nan(x) || math_is_nan(y));
}

fn math_atan(x: f32) -> f32 { return math_atan2(x, 1.0); }
// asin(x) for |x| <= 1/2.
fn math_asin_small(x: f32) -> f32 {
  let z = x * x;
  var p = 4.2163199048e-2;
  p = p * z + 2.4181311049e-2;
  p = p * z + 4.5470025998e-2;
  p = p * z + 7.4953002686e-2;
  p = p * z + 1.6666752422e-1;
  return x + x * (z * p);
}
// Beyond 1/2 from the half angle: asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2)), where 1 - a is exact.
fn math_asin(x: f32) -> f32 {
  let a = abs(x);
  if (!(a <= 1.0)) { return math_nan(); }
  let far = a > 0.5;
  let angle = math_asin_small(select(a, sqrt(0.5 * (1.0 - a)), far));
  return math_copy_sign(select(angle, 1.5707963267948966 - 2.0 * angle, far), x);
}
fn math_acos(x: f32) -> f32 {
  let a = abs(x);
  if (!(a <= 1.0)) { return math_nan(); }
  let far = a > 0.5;
  let angle = math_asin_small(select(x, sqrt(0.5 * (1.0 - a)), far));
  return select(1.5707963267948966 - angle, select(2.0 * angle, 3.1415926535897932 - 2.0 * angle, x < 0.0), far);
}

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
fn math_mod(x: f32, y: f32) -> f32 {
  let division = math_floor_divide(x, y);
  let edge = select(math_nan(), select(x, y, x != 0.0 && math_is_negative(x) != math_is_negative(y)), math_is_finite(x) && math_is_inf(y));
  return select(division.remainder, edge, y == 0.0 || !math_is_finite(x) || !math_is_finite(y));
}
fn math_floor_div(x: f32, y: f32) -> f32 {
  var plain = floor(x / y);
  let far = math_is_inf(y) && x != 0.0 && math_is_negative(x) != math_is_negative(y);
  plain = select(plain, -1.0, far);
  plain = select(plain, math_nan(), math_is_inf(x) && y != 0.0);
  return select(math_floor_divide(x, y).quotient, plain, y == 0.0 || !math_is_finite(x) || !math_is_finite(y) || abs(plain) >= 16777216.0);
}
