// Attention backward, first step: statistics of every query row that both gradient kernels read.
//
// Shapes   out and grad [rows = B * T, H, D] (any offset, row and head stride), lse [B, T, H] -> stats [B, T, H, 2]
//          = (lse * log2(e), sum over D of grad * out).
// Tiling   one thread a (row, head). Numerics: f32 sums in order of D.
// ZERO=1   also writes zeros: the gradient of queries [P, H, D] that were not asked, of a prefix in one projection with the sequences.
// Compile: T=f32 G=f32 OUT=f32 SLICE=4 ZERO=0 | T=f16 G=f16 OUT=f16 SLICE=4 ZERO=1 | T=f16 G=f32 OUT=f32 SLICE=4 ZERO=1
struct Params {
  out: vec4<u32>,   // offset, batch stride, row stride, head stride, in units of 4
  grad: vec4<u32>,
  queries: u32,
  heads: u32,
  count: u32,       // B * T * H
  depth: u32,       // D / 4
#if ZERO
  zero_count: u32,  // P * H
  dq: vec4<u32>,    // as out
#endif
}

#include "attention/elements.wgsl"

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> out: array<Quad>;
@group(0) @binding(2) var<storage, read> grad: array<GradQuad>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<vec2<f32>>;
#if ZERO
@group(0) @binding(5) var<storage, read_write> dq: array<Slice>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * 64u;
  let head = index % params.heads;
  let row = index / params.heads;
#if ZERO
  if (index < params.zero_count) {
    for (var d = 0u; d < params.depth; d++) { dq[params.dq.x + row * params.dq.z + head * params.dq.w + d] = narrow(vec4<f32>()); }
  }
#endif
  if (index >= params.count) { return; }
  let batch = row / params.queries;
  let query = row % params.queries;
  let out_row = params.out.x + batch * params.out.y + query * params.out.z + head * params.out.w;
  let grad_row = params.grad.x + batch * params.grad.y + query * params.grad.z + head * params.grad.w;
  var total = 0.0;
  for (var d = 0u; d < params.depth; d++) {
    total += dot(widen(out[out_row + d]), widen_grad(grad[grad_row + d]));
  }
  stats[index] = vec2<f32>(lse[index] * 1.4426950408889634, total);
}
