// reduce.moments: MAP and FINISH of reductions that keep several sums, for variances (A = vec2f) and for norms and deviations of any f32 (A = vec4f).
// Appended to reduce.wgsl, whose defines and params it reads.
// Include only.

#if A == "vec2f"
/// d^2 and d.
fn deviation(d: A) -> A { return d * vec2<f32>(d.x, 1.0); }
/// The sum of squared deviations from a mean, of those from any number near it.
fn squares_left(a: A) -> f32 { return not_negative(a.x - a.y * (a.y / params.count)); }
#elif A == "vec4f"
// d^2 in three units, of which one holds the sum of any f32, and d.
const UNITS = vec4<f32>(0x1p-96, 1.0, 0x1p96, 0.0);
fn moments(d: A) -> A {
  let scaled = d * UNITS;
  return scaled * scaled + vec4<f32>(0.0, 0.0, 0.0, d.w);
}
/// The root of the sum of squares over n, without the part of a sum of deviations `sum`.
fn root(a: A, sum: f32, n: f32) -> f32 {
  let is_small = a.y < 0x1p-80;
  let is_large = a.y > 0x1p120;
  let squares = select(select(a.y, a.z, is_small), a.x, is_large);
  let shift = sum * select(select(1.0, UNITS.z, is_small), UNITS.x, is_large);
  let left = not_negative(squares - shift * (shift / max(params.count, 1.0)));
  return sqrt(left / n) * select(select(1.0, UNITS.x, is_small), UNITS.z, is_large);
}
#endif
/// Rounding may take a difference below 0; a NaN stays, which WGSL's max may drop.
fn not_negative(x: f32) -> f32 { return select(x, 0.0, x < 0.0); }
