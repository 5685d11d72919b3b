// optim.lion: one step of Lion over all parameters of a group (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2).
//
//   p = p (1 - lr weight_decay) - lr sign(beta1 m + (1 - beta1) g);  m = beta2 m + (1 - beta2) g
//
// Defines: see optim.common
// Compile: RATE=0 MASK=0 MAXIMIZE=0 COUNT=0 WG=8 | RATE=1 MASK=1 MAXIMIZE=1 COUNT=0 WG=64

struct Params {
  blocks: u32,
  rate_offset: u32,
  lr: f32,
  weight_decay: f32,
  beta1: f32,
  beta2: f32,
  rest1: f32, // 1 - beta1, rounded once
  rest2: f32,
}

#include "optim/common.wgsl"
@group(0) @binding(6) var<storage, read_write> m: array<vec4<f32>>;

struct Scalars {
  lr: f32,
  kept: f32, // of the parameter
}

fn begin(lr: f32, t: f32) -> Scalars {
  return Scalars(lr, 1.0 - lr * params.weight_decay);
}

fn update(at: u32, scalars: Scalars) {
  let d = gradient(at);
  let before = m[at];
  p[at] = p[at] * scalars.kept - scalars.lr * sign(params.beta1 * before + params.rest1 * d);
  m[at] = params.beta2 * before + params.rest2 * d;
}

#include "optim/update.wgsl"
