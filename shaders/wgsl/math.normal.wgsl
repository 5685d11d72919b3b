// math.normal: the error function and the normal distribution of f32, included after math.base.wgsl. Accuracy and special values: math.wgsl.
// Polynomials after N. Juffa.
// Include only.

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
