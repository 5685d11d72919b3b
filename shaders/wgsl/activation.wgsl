// activation: y = act(x) and dy/dx on vec4<f32>, the one place of these formulas for every fused epilogue.
// Define: ACT = "none" | "relu" | "gelu" | "geluTanh" | "quickGelu" | "silu", or "any": all but gelu, as params.act says.
// Three of them are one formula, x * sigmoid(linear * x + cubic * x^3): they differ in constants.
// Numerics: arguments of exp are clamped to +-87 (some adapters return NaN or Inf from exp or tanh of large values); what
// multiplies them keeps a NaN, and Inf gives the limit. tanh is written as a sigmoid. gelu takes the normal distribution function
// from erfc, not from 1 + erf, which would cancel for negative x: absolute error below 2e-7, relative below 1e-6 in the tail.
// Include only.

struct Activated {
  value: vec4<f32>,
  slope: vec4<f32>,
}

// (bound, linear, cubic) of the gated activations: below -bound the value is 0 to f32, above it x. geluTanh: tanh(u) = 2 sigmoid(2 u) - 1
// with u = sqrt(2 / pi) * (x + 0.044715 x^3).
const QUICK_GELU = vec3<f32>(50.0, 1.702, 0.0);
const SILU = vec3<f32>(80.0, 1.0, 0.0);
const GELU_TANH = vec3<f32>(20.0, 1.5957691216057308, 0.07135481627);

// b where `condition` holds and a is no NaN, else a. By bits: compilers of GPUs take for granted that nothing compared is NaN.
fn choose4(a: vec4<f32>, b: f32, condition: vec4<bool>) -> vec4<f32> {
  let bits = bitcast<vec4<u32>>(a);
  let is_number = (bits & vec4<u32>(0x7fffffffu)) <= vec4<u32>(0x7f800000u);
  return bitcast<vec4<f32>>(select(bits, vec4<u32>(bitcast<u32>(b)), condition & is_number));
}

// x, or 0 where x < low: there the activation is 0 to f32, and x times a factor that merely is tiny need not be.
fn from4(x: vec4<f32>, low: f32) -> vec4<f32> {
  return choose4(x, 0.0, x < vec4<f32>(low));
}

// x held within +-bound; unlike clamp it keeps a NaN.
fn within4(x: vec4<f32>, bound: f32) -> vec4<f32> {
  return choose4(choose4(x, bound, x > vec4<f32>(bound)), -bound, x < vec4<f32>(-bound));
}

fn sigmoid4(x: vec4<f32>) -> vec4<f32> {
  return 1.0 / (1.0 + exp(-clamp(x, vec4<f32>(-87.0), vec4<f32>(87.0))));
}

// The normal distribution function 0.5 * (1 + erf(x / sqrt 2)), from an approximation of erfc whose relative error is 1.2e-7.
fn normal4(x: vec4<f32>) -> vec4<f32> {
  let z = min(abs(x) * 0.7071067811865476, vec4<f32>(9.0));
  let t = 1.0 / (1.0 + 0.5 * z);
  var e = 0.17087277 * t - 0.82215223;
  e = e * t + 1.48851587;
  e = e * t - 1.13520398;
  e = e * t + 0.27886807;
  e = e * t - 0.18628806;
  e = e * t + 0.09678418;
  e = e * t + 0.37409196;
  e = e * t + 1.00002368;
  e = e * t - 1.26551223;
  let tail = 0.5 * t * exp(e - z * z);
  return select(1.0 - tail, tail, x < vec4<f32>(0.0));
}

fn gated4(x: vec4<f32>, gate: vec3<f32>) -> Activated {
  let t = within4(x, gate.x);
  let s = sigmoid4(t * (gate.y + gate.z * t * t));
  return Activated(from4(x, -gate.x) * s, s + t * s * (1.0 - s) * (gate.y + 3.0 * gate.z * t * t));
}

fn relu4(x: vec4<f32>) -> Activated {
  return Activated(from4(x, 0.0), select(vec4<f32>(1.0), vec4<f32>(0.0), x <= vec4<f32>(0.0)));
}

#if ACT == "gelu"
fn gelu4(x: vec4<f32>) -> Activated {
  let t = within4(x, 13.0);
  let normal = normal4(x);
  return Activated(from4(x, -13.0) * normal, normal + t * 0.3989422804014327 * exp(-0.5 * t * t));
}
#endif

fn activate(x: vec4<f32>) -> Activated {
#if ACT == "relu"
  return relu4(x);
#elif ACT == "gelu"
  return gelu4(x);
#elif ACT == "quickGelu"
  return gated4(x, QUICK_GELU);
#elif ACT == "silu"
  return gated4(x, SILU);
#elif ACT == "geluTanh"
  return gated4(x, GELU_TANH);
#elif ACT == "any"
  // Numbers as in ACTIVATION_CODES of plan.ts.
  let act = params.act;
  let gated = gated4(x, select(select(QUICK_GELU, SILU, act == 3u), GELU_TANH, act == 4u));
  let relu = relu4(x);
  let value = select(gated.value, relu.value, act == 1u);
  let slope = select(gated.slope, relu.slope, act == 1u);
  return Activated(select(value, x, act == 0u), select(slope, vec4<f32>(1.0), act == 0u));
#else
  return Activated(x, vec4<f32>(1.0));
#endif
}
