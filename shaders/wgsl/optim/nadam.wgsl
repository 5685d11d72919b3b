// optim.nadam: one step of NAdam over all parameters of a group, as torch.optim.NAdam.
//
//   d = g + weight_decay p, or p = p (1 - lr weight_decay) (DECOUPLED);  m = beta1 m + (1 - beta1) d;  v = beta2 v + (1 - beta2) d d
//   mu(t) = beta1 (1 - 0.96^(t momentum_decay) / 2);  product = mu(1) ... mu(t), kept for each block
//   p = p - lr ((1 - mu(t)) / (1 - product) d + mu(t + 1) / (1 - product mu(t + 1)) m) / (sqrt(v) / sqrt(1 - beta2^t) + eps)
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
  log_beta2: f32,
  eps: f32,
  decay: f32, // momentum_decay ln 0.96
}

#include "optim/common.wgsl"
#include "optim/one_minus_exp.wgsl"
@group(0) @binding(6) var<storage, read_write> m: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> v: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> product: array<f32>;

fn mu(t: f32) -> f32 {
  return params.beta1 * (1.0 - 0.5 * exp(t * params.decay));
}

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let block = wid.x + wid.y * groups.x;
  if (block >= params.blocks) { return; }
  let count = steps[block];
  let before = product[block];
  workgroupBarrier();
  if (is_active(block)) {
    let lr = learning_rate();
    let t = f32(count + 1u);
    let next = mu(t + 1.0);
    let through = before * mu(t);
    let of_gradient = lr * (1.0 - mu(t)) / (1.0 - through);
    let of_momentum = lr * next / (1.0 - through * next);
    let root = sqrt(one_minus_exp(t * params.log_beta2));
    for (var at = block * 64u + lane; at < block * 64u + 64u; at += ${WG}u) {
      var x = p[at];
      var d = gradient(at);
#if DECOUPLED
      x = x * (1.0 - lr * params.weight_decay);
#else
      d = d + params.weight_decay * x;
#endif
      let first = params.beta1 * m[at] + params.rest1 * d;
      let second = params.beta2 * v[at] + params.rest2 * d * d;
      m[at] = first;
      v[at] = second;
      p[at] = x - (of_gradient * d + of_momentum * first) / (sqrt(second) / root + params.eps);
    }
    if (lane == 0u) {
      steps[block] = count + 1u;
      product[block] = through;
    }
  }
}
