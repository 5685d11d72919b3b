// optim.adagrad: one step of Adagrad over all parameters of a group, as torch.optim.Adagrad.
//
//   d = g + weight_decay p;  v = v + d d;  p = p - lr / (1 + (t - 1) lr_decay) d / (sqrt(v) + eps)
//
// Defines: see optim.common. COUNT is on where the learning rate decays.
// Compile: RATE=0 MASK=0 MAXIMIZE=0 COUNT=0 WG=8 | RATE=1 MASK=1 MAXIMIZE=1 COUNT=1 WG=64

struct Params {
  blocks: u32,
  rate_offset: u32,
  lr: f32,
  weight_decay: f32,
  lr_decay: f32,
  eps: f32,
}

#include "optim/common.wgsl"
@group(0) @binding(6) var<storage, read_write> v: array<vec4<f32>>;

struct Scalars {
  lr: f32,
}

fn begin(lr: f32, t: f32) -> Scalars {
#if COUNT
  return Scalars(lr / (1.0 + (t - 1.0) * params.lr_decay));
#else
  return Scalars(lr);
#endif
}

fn update(at: u32, scalars: Scalars) {
  let x = p[at];
  let d = gradient(at) + params.weight_decay * x;
  let total = v[at] + d * d;
  v[at] = total;
  p[at] = x - scalars.lr * d / (sqrt(total) + params.eps);
}

#include "optim/update.wgsl"
