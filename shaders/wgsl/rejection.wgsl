// rejection: gamma and Poisson numbers. Attempt a of element i takes the block of Philox4x32-10 with counter [i, a, stream, salt], so that elements
// do not depend on each other nor on how many attempts others need. One thread an element; the parameter is dense or one number.
// gamma: Marsaglia and Tsang (ACM TOMS 26, 2000); a shape a below 1 is drawn as a + 1 and multiplied by u^(1 / a). NaN for a shape that is not positive.
// log_gamma: the logarithm of the same number, where the number itself underflows.
// poisson: products of uniform numbers below a rate of 12, above it transformed rejection (Hoermann, Insurance: Mathematics and Economics 12, 1993)
// with the logarithm of the probability by Stirling's formula, as a difference that does not cancel. NaN (0 as integer) for a rate below 0.
// Defines: KIND gamma, log_gamma or poisson; TR result type; KEYED 1: the key is read from a tensor of two words.
// Compile: KIND=gamma TR=f32 KEYED=1 | KIND=log_gamma TR=f32 KEYED=0 | KIND=poisson TR=i32 KEYED=0
#if TR == "f16"
enable f16;
#endif
struct Params {
  count: u32,
  stream: u32,
  salt: u32,
  parameter_offset: u32,
  parameter_step: u32,
  key_offset: u32,
  key_stride: u32,
  key: vec2<u32>,
}
@group(0) @binding(0) var<storage, read> parameter: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<${TR}>;
#if KEYED
@group(0) @binding(2) var<storage, read> key_words: array<u32>;
#endif
@group(0) @binding(3) var<uniform> params: Params;
#include "math.base.wgsl"
#include "math.angle.wgsl"
#include "philox.wgsl"

// Attempts after which the last candidate is taken; one in twenty is refused, so none gets here.
const MOST = 64u;

#if KIND != "poisson"
fn draw(index: u32, given: f32, seed: vec2<u32>) -> f32 {
  if (!(given > 0.0)) { return math_nan(); }
  let shape = select(given, given + 1.0, given < 1.0);
  let d = shape - 0.33333333333333333;
  let c = 1.0 / sqrt(9.0 * d);
  var v = 1.0;
  for (var attempt = 0u; attempt < MOST; attempt++) {
    let words = philox(vec4<u32>(index, attempt, params.stream, params.salt), seed);
    let x = normal_pair(words.x, words.y).x;
    let u = open_uniform_of(words.z);
    let t = 1.0 + c * x;
    v = t * t * t;
    if (t > 0.0 && math_log(u) < 0.5 * x * x + d - d * v + d * math_log(v)) { break; }
  }
  // Its words are of a block that no attempt takes.
  let rest = philox(vec4<u32>(index, MOST, params.stream, params.salt), seed);
  let log_boost = select(0.0, math_log(open_uniform_of(rest.x)) / given, given < 1.0);
#if KIND == "log_gamma"
  return math_log(d * v) + log_boost;
#else
  return d * v * select(1.0, math_exp(log_boost), given < 1.0);
#endif
}
#else
// log of the probability of k at a rate: -rate ((1 + e) log(1 + e) - e) - log(2 pi k) / 2 - 1 / (12 k) with e = k / rate - 1.
fn log_probability(k: f32, rate: f32) -> f32 {
  if (k < 1.0) { return -rate; }
  let e = (k - rate) / rate;
  let series = e * e * (0.5 - e * (0.16666666666666667 - e * (0.083333333333333333 - e * (0.05 - e * 0.033333333333333333))));
  let away = select((1.0 + e) * math_log1p(e) - e, series, abs(e) < 0.1);
  return -rate * away - 0.5 * math_log(6.2831853071795865 * k) - 0.083333333333333333 / k;
}
fn draw(index: u32, rate: f32, seed: vec2<u32>) -> f32 {
  if (!(rate >= 0.0)) { return math_nan(); }
  var k = 0.0;
  if (rate < 12.0) {
    let bound = math_exp(-rate);
    var product = 1.0;
    for (var attempt = 0u; attempt < MOST; attempt++) {
      let words = philox(vec4<u32>(index, attempt, params.stream, params.salt), seed);
      for (var i = 0u; i < 4u; i++) {
        product *= open_uniform_of(words[i]);
        if (product <= bound) { return k; }
        k += 1.0;
      }
    }
    return k;
  }
  let b = 0.931 + 2.53 * sqrt(rate);
  let a = -0.059 + 0.02483 * b;
  let inverse = 1.1239 + 1.1328 / (b - 3.4);
  let squeeze = 0.9277 - 3.6224 / (b - 2.0);
  for (var attempt = 0u; attempt < MOST; attempt++) {
    let words = philox(vec4<u32>(index, attempt, params.stream, params.salt), seed);
    let u = open_uniform_of(words.x) - 0.5;
    let v = open_uniform_of(words.y);
    let near = 0.5 - abs(u);
    k = floor((2.0 * a / near + b) * u + rate + 0.43);
    if (near >= 0.07 && v <= squeeze) { break; }
    if (k < 0.0 || (near < 0.013 && v > near)) { continue; }
    if (math_log(v * inverse / (a / (near * near) + b)) <= log_probability(k, rate)) { break; }
  }
  return max(k, 0.0);
}
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count) { return; }
#if KEYED
  let seed = vec2<u32>(key_words[params.key_offset], key_words[params.key_offset + params.key_stride]);
#else
  let seed = params.key;
#endif
  let value = draw(index, parameter[params.parameter_offset + index * params.parameter_step], seed);
  result[index] = ${TR == "f32" ? "value" : TR == "f16" ? "f16(value)" : TR + "(select(value, 0.0, math_is_nan(value)))"};
}
