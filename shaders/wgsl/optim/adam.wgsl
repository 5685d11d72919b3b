// optim.adam: one step of Adam or AdamW over all parameters of a group, as torch.optim.Adam and AdamW.
//
//   Adam: g = g + weight_decay p;  AdamW: p = p (1 - lr weight_decay)
//   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g g;  top = max(top, v) (AMSGRAD, used instead of v)
//   p = p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps),  t counted on the device
//
// 1 - beta^t is -expm1(t ln beta): in f32, 1 - 0.999 alone would lose four digits.
//
// Defines: see optim.common (COUNT is always 1); DECOUPLED 1: AdamW; AMSGRAD 1
// Compile: RATE=0 MASK=0 MAXIMIZE=0 COUNT=1 DECOUPLED=0 AMSGRAD=0 WG=8 | RATE=1 MASK=1 MAXIMIZE=1 COUNT=1 DECOUPLED=1 AMSGRAD=1 WG=64

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
}

#include "optim/common.wgsl"
#include "optim/one_minus_exp.wgsl"
@group(0) @binding(6) var<storage, read_write> m: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> v: array<vec4<f32>>;
#if AMSGRAD
@group(0) @binding(8) var<storage, read_write> top: array<vec4<f32>>;
#endif

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let block = wid.x + wid.y * groups.x;
  if (block >= params.blocks) { return; }
  let count = steps[block];
  workgroupBarrier();
  if (is_active(block)) {
    let lr = learning_rate();
    let t = f32(count + 1u);
    let rate = lr / one_minus_exp(t * params.log_beta1);
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
      var scale = second;
#if AMSGRAD
      scale = max(top[at], second);
      top[at] = scale;
#endif
      let denominator = sqrt(scale) / root + params.eps;
      p[at] = x - rate * first / denominator;
    }
    if (lane == 0u) { steps[block] = count + 1u; }
  }
}
