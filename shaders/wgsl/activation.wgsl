// activation: y = act(x) and dy/dx on vec4<f32>, the one place of these formulas for every fused epilogue.
// Define: ACT = "none" | "relu" | "gelu" | "geluTanh" | "quickGelu" | "silu".
// Numerics: arguments of exp are clamped to +-87 (some adapters return NaN or Inf from exp or tanh of large values); what
// multiplies them keeps a NaN, and Inf gives the limit. tanh is written as a sigmoid. gelu takes the normal distribution function
// from erfc, not from 1 + erf, which would cancel for negative x: absolute error below 2e-7, relative below 1e-6 in the tail.
// Include only.

// x, or 0 where x < low: there the activation is 0 to f32, and x times a factor that merely is tiny need not be.
fn from4(x: vec4<f32>, low: f32) -> vec4<f32> {
  return select(x, vec4<f32>(0.0), x < vec4<f32>(low));
}

// x held within +-bound; unlike clamp it keeps a NaN.
fn within4(x: vec4<f32>, bound: f32) -> vec4<f32> {
  return select(select(x, vec4<f32>(bound), x > vec4<f32>(bound)), vec4<f32>(-bound), x < vec4<f32>(-bound));
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

// sqrt(2 / pi) * (x + 0.044715 x^3), doubled: 0.5 * (1 + tanh(u)) = sigmoid(2 u).
fn gelu_tanh_inner4(x: vec4<f32>) -> vec4<f32> {
  let t = clamp(x, vec4<f32>(-20.0), vec4<f32>(20.0));
  return 1.5957691216057308 * (t + 0.044715 * t * t * t);
}

fn activate(x: vec4<f32>) -> vec4<f32> {
#if ACT == "relu"
  return select(x, vec4<f32>(0.0), x < vec4<f32>(0.0));
#elif ACT == "gelu"
  return from4(x, -13.0) * normal4(x);
#elif ACT == "geluTanh"
  return from4(x, -20.0) * sigmoid4(gelu_tanh_inner4(x));
#elif ACT == "quickGelu"
  return from4(x, -50.0) * sigmoid4(1.702 * x);
#elif ACT == "silu"
  return from4(x, -80.0) * sigmoid4(x);
#else
  return x;
#endif
}

fn activate_grad(x: vec4<f32>) -> vec4<f32> {
#if ACT == "relu"
  return select(vec4<f32>(0.0), vec4<f32>(1.0), x > vec4<f32>(0.0));
#elif ACT == "gelu"
  let t = within4(x, 13.0);
  return normal4(x) + t * 0.3989422804014327 * exp(-0.5 * t * t);
#elif ACT == "geluTanh"
  let t = within4(x, 20.0);
  let s = sigmoid4(gelu_tanh_inner4(x));
  return s + t * s * (1.0 - s) * 1.5957691216057308 * (1.0 + 0.134145 * t * t);
#elif ACT == "quickGelu"
  let s = sigmoid4(1.702 * x);
  return s * (1.0 + 1.702 * within4(x, 50.0) * (1.0 - s));
#elif ACT == "silu"
  let s = sigmoid4(x);
  return s * (1.0 + within4(x, 80.0) * (1.0 - s));
#else
  return vec4<f32>(1.0);
#endif
}
