// optim.radam: one step of RAdam over all parameters of a group, as torch.optim.RAdam.
//
//   d = g + weight_decay p, or p = p (1 - lr weight_decay) (DECOUPLED);  m = beta1 m + (1 - beta1) d;  v = beta2 v + (1 - beta2) d d
//   rho = rho_inf - 2 t beta2^t / (1 - beta2^t), the length of the average that v is
//   rho > 5: p = p - lr m / (1 - beta1^t) sqrt(1 - beta2^t) / (sqrt(v) + eps) sqrt((rho - 4)(rho - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho))
//   else     p = p - lr m / (1 - beta1^t)
//
// With x = -t ln beta2, beta2^t / (1 - beta2^t) is 1 / (e^x - 1) = 1/x - 1/2 + x/12 - x^3/720 + x^5/30240 - x^7/1209600: 2 t / x does not depend on t
// and is taken off rho_inf by the host, which otherwise cancels four digits of f32.
//
// Defines: see optim.common (COUNT is always 1); DECOUPLED 1
// Compile: RATE=0 MASK=0 MAXIMIZE=0 COUNT=1 DECOUPLED=0 WG=8 | RATE=1 MASK=1 MAXIMIZE=1 COUNT=1 DECOUPLED=1 WG=64

struct Params {
  blocks: u32,
  rate_offset: u32,
  lr: f32,
  weight_decay: f32,
  beta1: f32,
  beta2: f32,
  rest1: f32, // 1 - beta1, rounded once
  rest2: f32,
  log_beta1: f32,
  log_beta2: f32,
  eps: f32,
  rho_inf: f32, // 2 / (1 - beta2) - 1
  rho_start: f32, // rho_inf + 2 / ln beta2
  rho_scale: f32, // rho_inf / ((rho_inf - 4) (rho_inf - 2))
}

#include "optim/common.wgsl"
#include "optim/one_minus_exp.wgsl"
@group(0) @binding(6) var<storage, read_write> m: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> v: array<vec4<f32>>;

struct Scalars {
  rate: f32,
  kept: f32, // of the parameter
  rectified: f32, // 0: by momentum alone
}

fn rho(t: f32) -> f32 {
  let x = -t * params.log_beta2;
  if (x > 1.0) {
    let power = exp(-x);
    return params.rho_inf - 2.0 * t * power / (1.0 - power);
  }
  let xx = x * x;
  let tail = x * (1.0 / 12.0 - xx * (1.0 / 720.0 - xx * (1.0 / 30240.0 - xx / 1209600.0)));
  return params.rho_start + t - 2.0 * t * tail;
}

fn begin(lr: f32, t: f32) -> Scalars {
  let length = rho(t);
  var rectified = 0.0;
  if (length > 5.0) {
    rectified = sqrt((length - 4.0) * (length - 2.0) / length * params.rho_scale * one_minus_exp(t * params.log_beta2));
  }
#if DECOUPLED
  let kept = 1.0 - lr * params.weight_decay;
#else
  let kept = 1.0;
#endif
  return Scalars(lr / one_minus_exp(t * params.log_beta1), kept, rectified);
}

fn update(at: u32, scalars: Scalars) {
  var x = p[at];
  var d = gradient(at);
#if DECOUPLED
  x = x * scalars.kept;
#else
  d = d + params.weight_decay * x;
#endif
  let first = params.beta1 * m[at] + params.rest1 * d;
  let second = params.beta2 * v[at] + params.rest2 * d * d;
  m[at] = first;
  v[at] = second;
  var scale = vec4<f32>(1.0);
  if (scalars.rectified > 0.0) { scale = scalars.rectified / (sqrt(second) + params.eps); }
  p[at] = x - scalars.rate * first * scale;
}

#include "optim/update.wgsl"
