// fill: y[i] = value + i * step. P is the arithmetic type: f32 for floats, the dtype itself for integers.
// Layout: y is fresh, so the last vector of 4 may write past its end. A workgroup of WG threads takes WG * PER neighbouring vectors.
// Compile: T=f32 P=f32 WG=64 PER=4 | T=f16 P=f32 WG=8 PER=64 | T=u32 P=u32 WG=8 PER=64 | T=i32 P=i32 WG=64 PER=4
#if T == "f16"
enable f16;
#endif

struct Params {
  count: u32,
  value: ${P},
  step: ${P},
}

@group(0) @binding(0) var<storage, read_write> y: array<vec4<${T}>>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let first = (wid.x + wid.y * groups.x) * ${WG * PER}u;
  let end = min(first + ${WG * PER}u, (params.count + 3u) / 4u);
  for (var at = first + local; at < end; at += ${WG}u) {
    let index = vec4<${P}>(vec4<u32>(4u * at) + vec4<u32>(0u, 1u, 2u, 3u));
    y[at] = vec4<${T}>(params.value + index * params.step);
  }
}
