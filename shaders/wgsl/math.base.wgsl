// math.base: bits and signs, exponentials, logarithms, hyperbolic functions and gates of f32. Accuracy and special values: math.wgsl.
// Polynomials: exp, log, sinh, tanh after the Cephes library (S. Moshier).
// Include only.

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

// tanh(softplus(x)) = n / (n + 2) with n = exp(x) (exp(x) + 2), and its derivative; above 20 both have reached their limits.
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
// 0.5 (1 + tanh(u)) with u = sqrt(2/pi) (x + 0.044715 x^3), written as sigmoid(2u).
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
