// optim.adamax: one step of Adamax over all parameters of a group, as torch.optim.Adamax.
//
//   d = g + weight_decay p;  m = beta1 m + (1 - beta1) d;  u = max(beta2 u, |d| + eps);  p = p - lr / (1 - beta1^t) m / u
//
// Defines: see optim.common (COUNT is always 1)
// Compile: RATE=0 MASK=0 MAXIMIZE=0 COUNT=1 WG=8 | RATE=1 MASK=1 MAXIMIZE=1 COUNT=1 WG=64

struct Params {
  blocks: u32,
  rate_offset: u32,
  lr: f32,
  weight_decay: f32,
  beta1: f32,
  beta2: f32,
  rest1: f32, // 1 - beta1, rounded once
  log_beta1: f32,
  eps: f32,
}

#include "optim/common.wgsl"
#include "optim/one_minus_exp.wgsl"
@group(0) @binding(6) var<storage, read_write> m: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> u: array<vec4<f32>>;

struct Scalars {
  rate: f32,
}

fn begin(lr: f32, t: f32) -> Scalars {
  return Scalars(lr / one_minus_exp(t * params.log_beta1));
}

fn update(at: u32, scalars: Scalars) {
  let x = p[at];
  let d = gradient(at) + params.weight_decay * x;
  let first = params.beta1 * m[at] + params.rest1 * d;
  let largest = max(params.beta2 * u[at], abs(d) + params.eps);
  m[at] = first;
  u[at] = largest;
  p[at] = x - scalars.rate * first / largest;
}

#include "optim/update.wgsl"
