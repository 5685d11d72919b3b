// Sums the partial gradients of a shared prefix over query chunks, in the order of the chunks: the same bits on every run.
//
// Shapes   partials [chunks, 2, P, H, D] f32 -> dk [P, H, D] and dv [P, H, D], two layouts in one buffer of type OUT.
// Tiling   one thread a (key or value, row, head, 4 elements).
// ZERO=1   also writes zeros: the gradient of queries [P, H, D] that were not asked, a third layout in that buffer.
// Compile: OUT=f32 ZERO=0 | OUT=f16 ZERO=1
struct Params {
  dk: vec4<u32>,    // offset, unused, row stride, head stride, in units of 4
  dv: vec4<u32>,
  chunks: u32,
  heads: u32,
  depth: u32,       // D / 4
  count: u32,       // P * H * D / 4: elements of dk, and of dv
#if ZERO
  dq: vec4<u32>,    // as dk
#endif
}
#let T = "f32"
#let G = "f32"
#let SLICE = 4
#include "attention/elements.wgsl"

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<Quad>;
@group(0) @binding(2) var<storage, read_write> dkv: array<Slice>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * 64u;
  if (index >= 2u * params.count) { return; }
  var total = vec4<f32>();
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    total += partials[chunk * 2u * params.count + index];
  }
  let element = index % params.count;
  let d = element % params.depth;
  let head = (element / params.depth) % params.heads;
  let row = element / (params.depth * params.heads);
  let dkv_layout = select(params.dk, params.dv, index >= params.count);
  dkv[dkv_layout.x + row * dkv_layout.z + head * dkv_layout.w + d] = narrow(total);
#if ZERO
  if (index < params.count) { dkv[params.dq.x + row * params.dq.z + head * params.dq.w + d] = narrow(vec4<f32>()); }
#endif
}
