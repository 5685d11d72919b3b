// optim.adadelta: one step of Adadelta over all parameters of a group, as torch.optim.Adadelta.
//
//   d = g + weight_decay p;  v = rho v + (1 - rho) d d;  change = sqrt(u + eps) / sqrt(v + eps) d
//   u = rho u + (1 - rho) change change;  p = p - lr change
//
// Defines: see optim.common
// Compile: RATE=0 MASK=0 MAXIMIZE=0 COUNT=0 WG=8 | RATE=1 MASK=1 MAXIMIZE=1 COUNT=0 WG=64

struct Params {
  blocks: u32,
  rate_offset: u32,
  lr: f32,
  weight_decay: f32,
  rho: f32,
  rest: f32, // 1 - rho, rounded once
  eps: f32,
}

#include "optim/common.wgsl"
@group(0) @binding(6) var<storage, read_write> v: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> u: array<vec4<f32>>;

struct Scalars {
  lr: f32,
}

fn begin(lr: f32, t: f32) -> Scalars {
  return Scalars(lr);
}

fn update(at: u32, scalars: Scalars) {
  let x = p[at];
  let d = gradient(at) + params.weight_decay * x;
  let second = params.rho * v[at] + params.rest * d * d;
  v[at] = second;
  let change = sqrt(u[at] + params.eps) / sqrt(second + params.eps) * d;
  u[at] = params.rho * u[at] + params.rest * change * change;
  p[at] = x - scalars.lr * change;
}

#include "optim/update.wgsl"
