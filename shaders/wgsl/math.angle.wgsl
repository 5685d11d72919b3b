// math.angle: trigonometric functions of f32, included after math.base.wgsl. Accuracy and special values: math.wgsl.
// Polynomials of sin, cos, asin, atan after the Cephes library (S. Moshier).
// Include only.

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
