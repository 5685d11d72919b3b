// optim.rmsprop: one step of RMSprop over all parameters of a group, as torch.optim.RMSprop.
//
//   d = g + weight_decay p;  v = alpha v + (1 - alpha) d d;  average = alpha average + (1 - alpha) d (CENTERED)
//   d = d / (sqrt(v - average average) + eps);  m = momentum m + d, used instead of d (MOMENTUM);  p = p - lr d
//
// The variance is at least 0: where all gradients are equal, rounding would take it below, and torch gets NaN.
//
// Defines: see optim.common; CENTERED 1: keeps the average gradient; MOMENTUM 1: keeps m
// Compile: RATE=0 MASK=0 MAXIMIZE=0 COUNT=0 CENTERED=0 MOMENTUM=0 WG=8 | RATE=1 MASK=1 MAXIMIZE=1 COUNT=0 CENTERED=1 MOMENTUM=1 WG=64

struct Params {
  blocks: u32,
  rate_offset: u32,
  lr: f32,
  weight_decay: f32,
  alpha: f32,
  rest: f32, // 1 - alpha, rounded once
  momentum: f32,
  eps: f32,
}

#include "optim/common.wgsl"
@group(0) @binding(6) var<storage, read_write> v: array<vec4<f32>>;
#if CENTERED
@group(0) @binding(7) var<storage, read_write> average: array<vec4<f32>>;
#endif
#if MOMENTUM
@group(0) @binding(8) var<storage, read_write> m: array<vec4<f32>>;
#endif

struct Scalars {
  lr: f32,
}

fn begin(lr: f32, t: f32) -> Scalars {
  return Scalars(lr);
}

fn update(at: u32, scalars: Scalars) {
  let x = p[at];
  var d = gradient(at) + params.weight_decay * x;
  let second = params.alpha * v[at] + params.rest * d * d;
  v[at] = second;
  var variance = second;
#if CENTERED
  let mean = params.alpha * average[at] + params.rest * d;
  average[at] = mean;
  variance = max(second - mean * mean, vec4<f32>());
#endif
  d = d / (sqrt(variance) + params.eps);
#if MOMENTUM
  d = params.momentum * m[at] + d;
  m[at] = d;
#endif
  p[at] = x - scalars.lr * d;
}

#include "optim/update.wgsl"
