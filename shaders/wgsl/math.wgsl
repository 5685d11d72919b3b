// math: elementary functions of f32, included by other kernels.
// Include only.
// WGSL lets an adapter compute exp, log, sin or pow with errors of many units in the last place, and NaN and infinity are left to it
// (SwiftShader: exp(NaN) = infinity, tanh(100) = NaN). These have relative errors of about 2e-7 everywhere and treat NaN, infinity and zero
// as IEEE 754 functions do. Subnormal results may be flushed to zero.
// Polynomials: exp, log, sin, cos, sinh, tanh, asin, atan after the Cephes library (S. Moshier); erf, erfc after N. Juffa.
// No function relies on fused multiply-add, or on infinities surviving constant folding: special values are tested and made by bits.

fn math_isNaN(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
fn math_isInf(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u; }
fn math_isFinite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }
fn math_isNegative(x: f32) -> bool { return (bitcast<u32>(x) & 0x80000000u) != 0u; }

// WGSL refuses constants that are not finite, so these are made of a variable.
fn math_infinity() -> f32 { var bits = 0x7f800000u; return bitcast<f32>(bits); }
fn math_nan() -> f32 { var bits = 0x7fc00000u; return bitcast<f32>(bits); }
// The magnitude of x with the sign of s.
fn math_copySign(x: f32, s: f32) -> f32 {
  return bitcast<f32>((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(s) & 0x80000000u));
}

// NaN if either operand is NaN, unlike max and min of WGSL.
fn math_maximum(x: f32, y: f32) -> f32 {
  return select(select(y, x, x > y), select(y, x, math_isNaN(x)), math_isNaN(x) || math_isNaN(y));
}
fn math_minimum(x: f32, y: f32) -> f32 {
  return select(select(y, x, x < y), select(y, x, math_isNaN(x)), math_isNaN(x) || math_isNaN(y));
}
fn math_sign(x: f32) -> f32 {
  return select(select(0.0, x, math_isNaN(x)), select(-1.0, 1.0, x > 0.0), x > 0.0 || x < 0.0);
}
fn math_round(x: f32) -> f32 { return select(x, round(x), abs(x) < 8388608.0); }

// exp(r) = 1 + r + math_expTail(r) for |r| <= log(2) / 2.
fn math_expTail(r: f32) -> f32 {
  var p = 1.9875691500e-4;
  p = p * r + 1.3981999507e-3;
  p = p * r + 8.3334519073e-3;
  p = p * r + 4.1665795894e-2;
  p = p * r + 1.6666665459e-1;
  p = p * r + 5.0000001201e-1;
  return p * r * r;
}
// 2^n for whole n from -126 to 127.
fn math_powerOfTwo(n: i32) -> f32 { return bitcast<f32>(u32(n + 127) << 23u); }
fn math_exp(x: f32) -> f32 {
  let bounded = clamp(x, -104.0, 89.0);
  let n = floor(bounded * 1.4426950408889634 + 0.5);
  let r = (bounded - n * 0.693359375) + n * 2.12194440e-4;
  let whole = i32(n);
  let half = whole >> 1u;
  let y = ((1.0 + (r + math_expTail(r))) * math_powerOfTwo(half)) * math_powerOfTwo(whole - half);
  return select(y, x, math_isNaN(x));
}
fn math_exp2(x: f32) -> f32 {
  let bounded = clamp(x, -152.0, 129.0);
  let n = floor(bounded + 0.5);
  let r = (bounded - n) * 0.69314718055994531;
  let whole = i32(n);
  let half = whole >> 1u;
  let y = ((1.0 + (r + math_expTail(r))) * math_powerOfTwo(half)) * math_powerOfTwo(whole - half);
  return select(y, x, math_isNaN(x));
}
fn math_expm1(x: f32) -> f32 {
  return select(math_exp(x) - 1.0, x + math_expTail(x), abs(x) < 0.34);
}

// log(1 + f) = f - f^2 / 2 + f^3 P(f) for sqrt(1/2) <= 1 + f < sqrt(2).
fn math_logPolynomial(f: f32) -> f32 {
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
fn math_logNearOne(f: f32) -> f32 {
  let square = f * f;
  return f + (f * square * math_logPolynomial(f) - 0.5 * square);
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
fn math_logEdge(x: f32, y: f32) -> f32 {
  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) == 0u) { return -math_infinity(); }
  if (bits > 0x7f800000u) { return math_nan(); }
  return select(y, x, bits == 0x7f800000u);
}
fn math_log(x: f32) -> f32 {
  let parts = math_split(x);
  let e = f32(parts.exponent);
  return math_logEdge(x, (math_logNearOne(parts.fraction - 1.0) - e * 2.12194440e-4) + e * 0.693359375);
}
fn math_log2(x: f32) -> f32 {
  let parts = math_split(x);
  return math_logEdge(x, math_logNearOne(parts.fraction - 1.0) * 1.4426950408889634 + f32(parts.exponent));
}
fn math_log10(x: f32) -> f32 {
  let parts = math_split(x);
  let e = f32(parts.exponent);
  let small = math_logNearOne(parts.fraction - 1.0) * 0.43429448190325183 + e * 2.48745663981195e-4;
  return math_logEdge(x, small + e * 0.30078125);
}
fn math_log1p(x: f32) -> f32 {
  if (x > -0.29 && x < 0.41) { return math_logNearOne(x); }
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
  let large = math_copySign(1.0 - 2.0 / (math_exp(2.0 * min(a, 20.0)) + 1.0), x);
  return select(select(large, x + x * (z * p), a < 0.625), x, math_isNaN(x));
}
// Both from exp(|x| / 2), whose square overflows no sooner than they do.
fn math_sinh(x: f32) -> f32 {
  let z = x * x;
  var p = 2.03721912945e-4;
  p = p * z + 8.33028376239e-3;
  p = p * z + 1.66667160211e-1;
  let e = math_exp(0.5 * abs(x));
  let large = math_copySign(0.5 * e * e - 0.5 / e / e, x);
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
  let large = math_copySign(1.0 - math_exp(p * a - a), x);
  var q = -5.96761703e-4;
  q = q * s + 4.99119423e-3;
  q = q * s - 2.67681349e-2;
  q = q * s + 1.12819925e-1;
  q = q * s - 3.76125336e-1;
  q = q * s + 1.28379166e-1;
  return select(select(large, x + x * q, a <= 0.927734375), x, math_isNaN(x));
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
  return select(select(tail, 2.0 - tail, x < 0.0), x, math_isNaN(x));
}
// Standard normal distribution: cumulative and density.
fn math_normalCumulative(x: f32) -> f32 { return 0.5 * math_erfc(x * -0.70710678118654752); }
fn math_normalDensity(x: f32) -> f32 { return 0.3989422804014327 * math_exp(-0.5 * x * x); }
// 0.5 (1 + tanh(u)) with u = sqrt(2/pi) (x + 0.044715 x^3), written as sigmoid(2u).
fn math_geluTanhGate(x: f32) -> f32 { return math_sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x)); }
fn math_geluTanhDerivative(x: f32) -> f32 {
  let gate = math_geluTanhGate(x);
  return gate + math_gate(1.5957691216057308 * (x + 0.134145 * x * x * x), gate * math_geluTanhGate(-x));
}

// The high 32 bits of a * b, by halves: WGSL has no 64-bit product.
fn math_mulHigh(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu; let ah = a >> 16u;
  let bl = b & 0xffffu; let bh = b >> 16u;
  let middle = ah * bl + ((al * bl) >> 16u);
  let low = al * bh + (middle & 0xffffu);
  return ah * bh + (middle >> 16u) + (low >> 16u);
}
// x = remainder + quadrant * pi/2 with |remainder| <= pi/4.
struct math_Angle { remainder: f32, quadrant: i32 }
// Word i of 2/pi as a fixed-point number with two bits before the point, 0 in front of it.
fn math_twoOverPi(i: i32) -> u32 {
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
fn math_reduceLarge(x: f32) -> math_Angle {
  let bits = bitcast<u32>(x);
  let mantissa = ((bits & 0x007fffffu) << 8u) | 0x80000000u;
  let e = i32((bits >> 23u) & 0xffu) - 126;
  let word = e >> 5u;
  let shift = u32(e & 31);
  let w0 = math_twoOverPi(word - 1);
  let w1 = math_twoOverPi(word);
  let w2 = math_twoOverPi(word + 1);
  let w3 = math_twoOverPi(word + 2);
  // A shift by 32 is undefined, so the right shift goes in two steps.
  let high = (w0 << shift) | ((w1 >> 1u) >> (31u - shift));
  let mid = (w1 << shift) | ((w2 >> 1u) >> (31u - shift));
  let low = (w2 << shift) | ((w3 >> 1u) >> (31u - shift));
  let carryIn = math_mulHigh(mantissa, low);
  let bottomProduct = mantissa * mid;
  let bottom = bottomProduct + carryIn;
  let top = mantissa * high + math_mulHigh(mantissa, mid) + select(0u, 1u, bottom < bottomProduct);
  // top:bottom has two bits of quadrant, then the fraction; to nearest quadrant.
  var quadrant = i32(top >> 30u);
  var fractionHigh = top & 0x3fffffffu;
  var fractionLow = bottom;
  var sign = 1.0;
  if (fractionHigh >= 0x20000000u) {
    quadrant += 1;
    sign = -1.0;
    fractionLow = ~bottom + 1u;
    fractionHigh = 0x40000000u - fractionHigh - select(1u, 0u, bottom == 0u);
  }
  let zeros = countLeadingZeros(fractionHigh);
  let shifted = select(fractionLow, (fractionHigh << zeros) | ((fractionLow >> 1u) >> (31u - min(zeros, 31u))), zeros < 32u);
  let scale = math_powerOfTwo(-30 - i32(zeros));
  let remainder = sign * (f32(shifted) * 1.5707963267948966) * scale;
  if (math_isNegative(x)) { return math_Angle(-remainder, -quadrant); }
  return math_Angle(remainder, quadrant);
}
fn math_reduceAngle(x: f32) -> math_Angle {
  if (abs(x) < 8000.0) {
    let n = floor(x * 0.63661977236758134 + 0.5);
    let r = ((x - n * 1.5703125) - n * 4.837512969970703125e-4) - n * 7.549789948768648e-8;
    return math_Angle(r, i32(n));
  }
  return math_reduceLarge(x);
}
fn math_sinPolynomial(r: f32) -> f32 {
  let z = r * r;
  return r + r * z * ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1);
}
fn math_cosPolynomial(r: f32) -> f32 {
  let z = r * r;
  return (1.0 - 0.5 * z) + z * z * ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2);
}
// sin(angle) for turns = 0, cos for turns = 1.
fn math_sinOfAngle(angle: math_Angle, turns: i32) -> f32 {
  let q = (angle.quadrant + turns) & 3;
  let y = select(math_sinPolynomial(angle.remainder), math_cosPolynomial(angle.remainder), (q & 1) == 1);
  return select(y, -y, q >= 2);
}
fn math_sin(x: f32) -> f32 { return select(math_nan(), math_sinOfAngle(math_reduceAngle(x), 0), math_isFinite(x)); }
fn math_cos(x: f32) -> f32 { return select(math_nan(), math_sinOfAngle(math_reduceAngle(x), 1), math_isFinite(x)); }
fn math_tan(x: f32) -> f32 {
  let angle = math_reduceAngle(x);
  return select(math_nan(), math_sinOfAngle(angle, 0) / math_sinOfAngle(angle, 1), math_isFinite(x));
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
  angle = select(angle, 3.1415926535897932 - angle, math_isNegative(x));
  return select(math_copySign(angle, y), math_nan(), math_isNaN(x) || math_isNaN(y));
}

fn math_atan(x: f32) -> f32 { return math_atan2(x, 1.0); }
// asin(x) for |x| <= 1/2.
fn math_asinSmall(x: f32) -> f32 {
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
  let angle = math_asinSmall(select(a, sqrt(0.5 * (1.0 - a)), far));
  return math_copySign(select(angle, 1.5707963267948966 - 2.0 * angle, far), x);
}
fn math_acos(x: f32) -> f32 {
  let a = abs(x);
  if (!(a <= 1.0)) { return math_nan(); }
  let far = a > 0.5;
  let angle = math_asinSmall(select(x, sqrt(0.5 * (1.0 - a)), far));
  return select(1.5707963267948966 - angle, select(2.0 * angle, 3.1415926535897932 - 2.0 * angle, x < 0.0), far);
}

// a * b = high + low exactly (barring underflow), after Dekker and Veltkamp; splits by bits, so that no compiler can undo it.
struct math_Product { high: f32, low: f32 }
fn math_upperHalf(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }
fn math_exactProduct(a: f32, b: f32) -> math_Product {
  let ah = math_upperHalf(a); let al = a - ah;
  let bh = math_upperHalf(b); let bl = b - bh;
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
  let square = math_exactProduct(f, f);
  let main = e * 0.693359375;
  let sum = main + f;
  let sumRest = select(main - sum + f, f - sum + main, e == 0.0);
  let high = sum - 0.5 * square.high;
  let highRest = (sum - high) - 0.5 * square.high;
  let low = ((sumRest + highRest) - 0.5 * square.low) + (f * square.high * math_logPolynomial(f) - e * 2.12194440e-4);
  let logHigh = high + low;
  let logLow = (high - logHigh) + low;
  let product = math_exactProduct(clamp(y, -1.0e30, 1.0e30), logHigh);
  let moderate = abs(product.high) < 120.0;
  var result = math_exp(product.high) * (1.0 + select(0.0, product.low + y * logLow, moderate));
  result = select(result, select(0.0, math_infinity(), y < 0.0), magnitude == 0.0);
  result = select(result, select(math_infinity(), 0.0, y < 0.0), math_isInf(x));
  let whole = floor(y) == y || math_isInf(y);
  let odd = whole && abs(y) < 16777216.0 && (i32(y) & 1) == 1;
  result = select(result, -result, odd && math_isNegative(x));
  result = select(result, math_nan(), (x < 0.0 && !whole && !math_isInf(x)) || math_isNaN(x) || math_isNaN(y));
  result = select(result, x * x, y == 2.0);
  return select(result, 1.0, y == 0.0 || x == 1.0 || (magnitude == 1.0 && math_isInf(y)));
}

// floor(x / y) and the remainder with the sign of y; exact while the quotient is below 2^24.
struct math_Division { quotient: f32, remainder: f32 }
fn math_floorDivide(x: f32, y: f32) -> math_Division {
  var q = floor(x / y);
  let product = math_exactProduct(q, y);
  var r = (x - product.high) - product.low;
  // The rounded quotient may be off by one.
  if (r != 0.0 && math_isNegative(r) != math_isNegative(y)) { q -= 1.0; r += y; }
  else if (abs(r) >= abs(y) && abs(x) >= abs(y)) { q += 1.0; r -= y; }
  return math_Division(q, r);
}
fn math_mod(x: f32, y: f32) -> f32 {
  let division = math_floorDivide(x, y);
  let edge = select(math_nan(), select(x, y, x != 0.0 && math_isNegative(x) != math_isNegative(y)), math_isFinite(x) && math_isInf(y));
  return select(division.remainder, edge, y == 0.0 || !math_isFinite(x) || !math_isFinite(y));
}
fn math_floorDiv(x: f32, y: f32) -> f32 {
  var plain = floor(x / y);
  let far = math_isInf(y) && x != 0.0 && math_isNegative(x) != math_isNegative(y);
  plain = select(plain, -1.0, far);
  plain = select(plain, math_nan(), math_isInf(x) && y != 0.0);
  return select(math_floorDivide(x, y).quotient, plain, y == 0.0 || !math_isFinite(x) || !math_isFinite(y) || abs(plain) >= 16777216.0);
}
