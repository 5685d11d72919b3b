// optim.lamb: LAMB over all parameters of a group (You et al. 2020, "Large Batch Optimization for Deep Learning", algorithm 2), in three dispatches.
//
//   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g g
//   u = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps) + weight_decay p
//   p = p - lr ratio u,  ratio = |p| / |u| of each parameter; 1 where one of them is 0
//
// PART 0 (a workgroup for each block) updates m and v, writes u, and the sums of squares of p and u over its block; PART 1 (a workgroup for each parameter)
// adds those up to its ratio; PART 2 (each block) takes the step. Sums are added in an order that does not depend on WG.
//
// Defines: see optim.common; PART 0 (COUNT 1, RATE 0), 1, 2 (COUNT 0, MAXIMIZE 0: `g` is u)
// Compile: PART=0 RATE=0 MASK=1 MAXIMIZE=0 COUNT=1 WG=8 | PART=1 WG=64 | PART=2 RATE=1 MASK=0 MAXIMIZE=0 COUNT=0 WG=8

struct Params {
  blocks: u32,
  parameters: u32, // how many there are
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

#if PART == 1
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> squares: array<vec2<f32>>; // of p and u, by block
@group(0) @binding(2) var<storage, read> ranges: array<vec2<u32>>; // first block and the one after the last, by parameter
@group(0) @binding(3) var<storage, read_write> ratio: array<f32>; // by parameter
#else
#include "optim/common.wgsl"
#endif
#if PART == 0
#include "optim/one_minus_exp.wgsl"
@group(0) @binding(6) var<storage, read_write> m: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> v: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> u: array<vec4<f32>>;
@group(0) @binding(9) var<storage, read_write> squares: array<vec2<f32>>;
#endif
#if PART == 2
@group(0) @binding(6) var<storage, read> ratio: array<f32>;
@group(0) @binding(7) var<storage, read> parameter_of: array<u32>; // by block
#endif

#if PART < 2
var<workgroup> sums: array<vec2<f32>, 64>;

// Adds the 64 sums up into the first.
fn add_up(lane: u32) {
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    for (var k = lane; k < half; k += ${WG}u) { sums[k] += sums[k + half]; }
  }
}
#endif

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let index = wid.x + wid.y * groups.x;
#if PART == 0
  if (index >= params.blocks) { return; }
  let count = steps[index];
  workgroupBarrier();
  let takes_part = is_active(index);
  if (takes_part) {
    let t = f32(count + 1u);
    let of_first = 1.0 / one_minus_exp(t * params.log_beta1);
    let root = sqrt(one_minus_exp(t * params.log_beta2));
    for (var k = lane; k < 64u; k += ${WG}u) {
      let at = index * 64u + k;
      let x = p[at];
      let d = gradient(at);
      let first = params.beta1 * m[at] + params.rest1 * d;
      let second = params.beta2 * v[at] + params.rest2 * d * d;
      m[at] = first;
      v[at] = second;
      let direction = first * of_first / (sqrt(second) / root + params.eps) + params.weight_decay * x;
      u[at] = direction;
      sums[k] = vec2<f32>(dot(x, x), dot(direction, direction));
    }
  }
  add_up(lane);
  if (lane == 0u && takes_part) {
    squares[index] = sums[0];
    steps[index] = count + 1u;
  }
#elif PART == 1
  if (index >= params.parameters) { return; }
  let range = ranges[index];
  for (var k = lane; k < 64u; k += ${WG}u) {
    var sum = vec2<f32>();
    for (var block = range.x + k; block < range.y; block += 64u) { sum += squares[block]; }
    sums[k] = sum;
  }
  add_up(lane);
  if (lane == 0u) {
    let norms = sqrt(sums[0]);
    ratio[index] = select(1.0, norms.x / norms.y, norms.x > 0.0 && norms.y > 0.0);
  }
#else
  if (index >= params.blocks || !is_active(index)) { return; }
  let rate = learning_rate() * ratio[parameter_of[index]];
  for (var at = index * 64u + lane; at < index * 64u + 64u; at += ${WG}u) { p[at] -= rate * g[at]; }
#endif
}
