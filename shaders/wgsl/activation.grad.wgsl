// activation.grad: y = dy * act'(pre), elementwise over contiguous tensors at any offset; 4 elements an invocation.
// Compile: T=f32 ACT=gelu | T=f16 ACT=quickGelu
#if T == "f16"
enable f16;
#endif
#include "activation.wgsl"

struct Params {
  count: u32,
  dy_offset: u32,
  pre_offset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<${T}>;
@group(0) @binding(2) var<storage, read> pre: array<${T}>;
@group(0) @binding(3) var<storage, read_write> y: array<${T}>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32) {
  let i = ((wid.x + wid.y * groups.x) * 64u + local) * 4u;
  if (i >= params.count) { return; }
  let at = min(vec4<u32>(i, i + 1u, i + 2u, i + 3u), vec4<u32>(params.count - 1u));
  let p = params.pre_offset + at;
  let g = params.dy_offset + at;
  let x = vec4<f32>(f32(pre[p.x]), f32(pre[p.y]), f32(pre[p.z]), f32(pre[p.w]));
  let out = vec4<f32>(f32(dy[g.x]), f32(dy[g.y]), f32(dy[g.z]), f32(dy[g.w])) * activate(x).slope;
#for j in 4
  if (i + ${j}u < params.count) { y[i + ${j}u] = ${T}(out.${"xyzw"[j]}); }
#endfor
}
