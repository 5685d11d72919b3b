// optim.sgd: one step of stochastic gradient descent over all parameters of a group, as torch.optim.SGD.
//
//   d = g + weight_decay p;  m = d at the first step, else momentum m + (1 - dampening) d;  d = d + momentum m (nesterov) or m
//   p = p - lr d
//
// Defines: see optim.common; MOMENTUM 1: keeps m; NESTEROV 1. COUNT is on where dampening makes the first step differ.
// Compile: RATE=0 MASK=0 MAXIMIZE=0 COUNT=0 MOMENTUM=0 NESTEROV=0 WG=8 | RATE=1 MASK=1 MAXIMIZE=1 COUNT=1 MOMENTUM=1 NESTEROV=1 WG=64 | RATE=0 MASK=0 MAXIMIZE=0 COUNT=0 MOMENTUM=1 NESTEROV=0 WG=8

struct Params {
  blocks: u32,
  rate_offset: u32,
  lr: f32,
  weight_decay: f32,
  momentum: f32,
  dampening: f32,
}

#include "optim/common.wgsl"
#if MOMENTUM
@group(0) @binding(6) var<storage, read_write> m: array<vec4<f32>>;
#endif

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let block = wid.x + wid.y * groups.x;
  if (block >= params.blocks) { return; }
  let takes_part = is_active(block);
#if COUNT
  let count = steps[block];
  workgroupBarrier();
#endif
  if (takes_part) {
    let lr = learning_rate();
    for (var at = block * 64u + lane; at < block * 64u + 64u; at += ${WG}u) {
      let x = p[at];
      var d = gradient(at) + params.weight_decay * x;
#if MOMENTUM
      var next = params.momentum * m[at] + (1.0 - params.dampening) * d;
#if COUNT
      if (count == 0u) { next = d; }
#endif
      m[at] = next;
#if NESTEROV
      d = d + params.momentum * next;
#else
      d = next;
#endif
#endif
      p[at] = x - lr * d;
    }
#if COUNT
    if (lane == 0u) { steps[block] = count + 1u; }
#endif
  }
}
