// special: functions of f32 that few kernels need, included after math.base, math.angle and math.power: inverse hyperbolic functions, erfinv, gamma functions, sinc,
// hypot, truncating division. Relative errors of a few 1e-7; NaN, infinity and zero as IEEE 754 functions treat them.
// Include only.

// Inverse hyperbolic functions by log1p of what is exact near 0 (near 1 for acosh); the logarithm of 2x where squares would overflow.
fn special_asinh(x: f32) -> f32 {
  let a = abs(x);
  let y = select(math_log1p(a + a * a / (1.0 + sqrt(a * a + 1.0))), math_log(a) + 0.69314718055994531, a > 1.0e4);
  return math_copy_sign(y, x);
}
fn special_acosh(x: f32) -> f32 {
  if (!(x >= 1.0)) { return math_nan(); }
  let t = x - 1.0;
  return select(math_log1p(t + sqrt(2.0 * t + t * t)), math_log(x) + 0.69314718055994531, x > 1.0e4);
}
fn special_atanh(x: f32) -> f32 {
  let a = abs(x);
  if (!(a <= 1.0)) { return math_nan(); }
  if (a == 1.0) { return math_copy_sign(math_infinity(), x); }
  return math_copy_sign(0.5 * math_log1p(2.0 * a / (1.0 - a)), x);
}
// Inverse of erf, after M. Giles (Approximating the erfinv function, GPU Computing Gems, 2010).
fn special_erfinv(x: f32) -> f32 {
  let a = abs(x);
  if (!(a <= 1.0)) { return math_nan(); }
  if (a == 1.0) { return math_copy_sign(math_infinity(), x); }
  let w = -math_log((1.0 - a) * (1.0 + a));
  var p: f32;
  if (w < 5.0) {
    let t = w - 2.5;
    p = 2.81022636e-8;
    p = p * t + 3.43273939e-7;
    p = p * t - 3.5233877e-6;
    p = p * t - 4.39150654e-6;
    p = p * t + 2.1858087e-4;
    p = p * t - 1.25372503e-3;
    p = p * t - 4.17768164e-3;
    p = p * t + 0.246640727;
    p = p * t + 1.50140941;
  } else {
    let t = sqrt(w) - 3.0;
    p = -2.00214257e-4;
    p = p * t + 1.00950558e-4;
    p = p * t + 1.34934322e-3;
    p = p * t - 3.67342844e-3;
    p = p * t + 5.73950773e-3;
    p = p * t - 7.6224613e-3;
    p = p * t + 9.43887047e-3;
    p = p * t + 1.00167406;
    p = p * t + 2.83297682;
  }
  return p * x;
}
// pi x modulo a turn, exactly, so that whole numbers have a sine of 0.
fn special_half_turns(x: f32) -> math_Angle {
  let t = 2.0 * (x - 2.0 * floor(0.5 * x + 0.5));
  let quadrant = floor(t + 0.5);
  return math_Angle((t - quadrant) * 1.5707963267948966, i32(quadrant));
}
fn special_sin_pi(x: f32) -> f32 { return select(math_nan(), math_sin_of_angle(special_half_turns(x), 0), math_is_finite(x)); }
fn special_cos_pi(x: f32) -> f32 { return select(math_nan(), math_sin_of_angle(special_half_turns(x), 1), math_is_finite(x)); }
fn special_sinc(x: f32) -> f32 { return select(special_sin_pi(x) / (3.1415926535897932 * x), 1.0, abs(x) < 1.0e-4); }
// Its derivative; by the series near 0, where the difference cancels.
fn special_sinc_slope(x: f32) -> f32 {
  let z = 9.8696044010893586 * x * x;
  let near = -9.8696044010893586 * x * (0.33333333333333333 - z * (0.033333333333333333 - z * (1.1904761904761905e-3 - z * 2.2045855379188713e-5)));
  return select((special_cos_pi(x) - special_sinc(x)) / x, near, abs(x) < 0.3);
}

// Logarithm of the gamma function, after fdlibm (Sun Microsystems): of 2 + y for 0 <= y < 1, of 2 - y for 0 <= y < 0.28.
fn special_lgamma_above_two(y: f32) -> f32 {
  var p = 3.19475326584100867617e-5;
  p = p * y + 1.84028451407337715652e-3;
  p = p * y + 2.66422703033638609560e-2;
  p = p * y + 0.146350472652464452805;
  p = p * y + 0.325778796408930981787;
  p = p * y + 0.214982415960608852501;
  p = p * y - 7.72156649015328655494e-2;
  var q = 7.32668430744625636189e-6;
  q = q * y + 7.77942496381893596434e-4;
  q = q * y + 1.86459191715652901344e-2;
  q = q * y + 0.171933865632803078993;
  q = q * y + 0.721935547567138069525;
  q = q * y + 1.39200533467621045958;
  q = q * y + 1.0;
  return y * (0.5 + p / q);
}
fn special_lgamma_below_two(y: f32) -> f32 {
  var p = 5.10069792153511336608e-4;
  p = p * y + 1.19270763183362067845e-3;
  p = p * y + 2.89051383673415629091e-3;
  p = p * y + 7.38555086081402883957e-3;
  p = p * y + 2.05808084325167332806e-2;
  p = p * y + 6.73523010531292681824e-2;
  p = p * y + 0.322467033424113591611;
  p = p * y + 7.72156649015328655494e-2;
  return y * (p - 0.5);
}
// x > 0.
fn special_lgamma_positive(x: f32) -> f32 {
  if (x >= 8.0) {
    let z = 1.0 / x;
    let rest = 0.418938533204672741780 + z * (8.3333333333333333e-2 + z * z * (-2.7777777777777778e-3 + z * z * 7.9365079365079365e-4));
    return (x - 0.5) * (math_log(x) - 1.0) + rest;
  }
  // By lgamma(x + 1) = lgamma(x) + log(x), towards the two zeros at 1 and 2.
  if (x < 0.73) { return special_lgamma_above_two(x) - math_log1p(x) - math_log(x); }
  if (x < 1.0) { return special_lgamma_below_two(1.0 - x) - math_log(x); }
  if (x < 1.73) { return special_lgamma_above_two(x - 1.0) - math_log1p(x - 1.0); }
  if (x < 2.0) { return special_lgamma_below_two(2.0 - x); }
  let y = x - floor(x);
  var product = 1.0;
  for (var factor = x - 1.0; factor >= 2.0; factor -= 1.0) { product *= factor; }
  return special_lgamma_above_two(y) + math_log(product);
}
fn special_lgamma(x: f32) -> f32 {
  let a = abs(x);
  if (a == 0.0 || math_is_inf(x) || (x < 0.0 && floor(x) == x)) { return math_infinity(); }
  if (math_is_nan(x)) { return x; }
  if (a < 1.0e-10) { return -math_log(a); }
  let y = special_lgamma_positive(a);
  if (x > 0.0) { return y; }
  return (1.1447298858494002 - math_log(abs(special_sin_pi(x)))) - math_log(a) - y;
}
// Derivatives of lgamma: by steps of 1 to where a formula holds, for x < 0 by reflection. digamma between 1 and 2 after J. Maddock (Boost),
// from its zero, so that it is exact there; else the asymptotic series.
fn special_digamma_positive(given: f32) -> f32 {
  var x = given;
  var sum = 0.0;
  if (x >= 10.0) {
    let z = 1.0 / (x * x);
    return math_log(x) - 0.5 / x - z * (8.3333333333333333e-2 - z * (8.3333333333333333e-3 - z * 3.9682539682539683e-3));
  }
  while (x > 2.0) {
    x -= 1.0;
    sum += 1.0 / x;
  }
  if (x < 1.0) {
    sum = -1.0 / x;
    x += 1.0;
  }
  let away = (x - 1.4616321325302124) - 1.24381498e-8;
  let t = x - 1.0;
  let p = 0.25479851023250261 + t * (-0.44981331915268368 + t * (-0.43916936919946835 - t * 6.1041765350579073e-2));
  let q = 1.0 + t * (1.5890202430554952 + t * (0.65341249856146947 + t * 6.3851690523355715e-2));
  return sum + away * (0.99558162689208984 + p / q);
}
fn special_digamma(x: f32) -> f32 {
  if (x == 0.0) { return math_copy_sign(math_infinity(), -x); }
  if (math_is_nan(x) || (x < 0.0 && floor(x) == x)) { return math_nan(); }
  if (x > 0.0) { return select(special_digamma_positive(x), x, math_is_inf(x)); }
  return special_digamma_positive(1.0 - x) - 3.1415926535897932 * special_cos_pi(x) / special_sin_pi(x);
}
fn special_trigamma_positive(given: f32) -> f32 {
  var x = given;
  var sum = 0.0;
  while (x < 8.0) {
    sum += 1.0 / (x * x);
    x += 1.0;
  }
  let z = 1.0 / (x * x);
  return sum + (1.0 + z * (0.16666666666666667 - z * (3.3333333333333333e-2 - z * 2.3809523809523810e-2))) / x + 0.5 * z;
}
fn special_trigamma(x: f32) -> f32 {
  if (x == 0.0 || (x < 0.0 && floor(x) == x)) { return math_infinity(); }
  if (math_is_nan(x)) { return x; }
  if (x > 0.0) { return select(special_trigamma_positive(x), 0.0, math_is_inf(x)); }
  let s = special_sin_pi(x);
  return 9.8696044010893586 / (s * s) - special_trigamma_positive(1.0 - x);
}
// The derivative of trigamma.
fn special_tetragamma_positive(given: f32) -> f32 {
  var x = given;
  var sum = 0.0;
  while (x < 8.0) {
    sum -= 2.0 / (x * x * x);
    x += 1.0;
  }
  let z = 1.0 / (x * x);
  return sum - z * (1.0 + 1.0 / x + z * (0.5 - z * (0.16666666666666667 - z * 0.16666666666666667)));
}
fn special_tetragamma(x: f32) -> f32 {
  if (x == 0.0 || math_is_nan(x) || (x < 0.0 && floor(x) == x)) { return math_nan(); }
  if (x > 0.0) { return select(special_tetragamma_positive(x), 0.0, math_is_inf(x)); }
  let s = special_sin_pi(x);
  return special_tetragamma_positive(1.0 - x) - 62.012553360599640 * special_cos_pi(x) / (s * s * s);
}
// The derivative of tetragamma.
fn special_pentagamma_positive(given: f32) -> f32 {
  var x = given;
  var sum = 0.0;
  while (x < 8.0) {
    sum += 6.0 / (x * x * x * x);
    x += 1.0;
  }
  let z = 1.0 / (x * x);
  return sum + z / x * (2.0 + 3.0 / x + z * (2.0 - z * (1.0 - z * 1.3333333333333333)));
}
fn special_pentagamma(x: f32) -> f32 {
  if (x == 0.0 || (x < 0.0 && floor(x) == x)) { return math_infinity(); }
  if (math_is_nan(x)) { return x; }
  if (x > 0.0) { return select(special_pentagamma_positive(x), 0.0, math_is_inf(x)); }
  let s = special_sin_pi(x);
  let c = special_cos_pi(x);
  return 97.409091034002437 * (4.0 * c * c + 2.0) / (s * s * s * s) - special_pentagamma_positive(1.0 - x);
}

fn special_hypot(x: f32, y: f32) -> f32 {
  let large = max(abs(x), abs(y));
  let small = min(abs(x), abs(y));
  let ratio = select(small / large, 0.0, large == 0.0);
  let length = select(large * sqrt(1.0 + ratio * ratio), math_nan(), math_is_nan(x) || math_is_nan(y));
  return select(length, math_infinity(), math_is_inf(x) || math_is_inf(y));
}

// The quotient towards zero and the remainder with the sign of x.
fn special_trunc_div(x: f32, y: f32) -> f32 {
  return math_copy_sign(math_floor_div(abs(x), abs(y)), bitcast<f32>(bitcast<u32>(x) ^ bitcast<u32>(y)));
}
fn special_fmod(x: f32, y: f32) -> f32 { return math_copy_sign(math_mod(abs(x), abs(y)), x); }
