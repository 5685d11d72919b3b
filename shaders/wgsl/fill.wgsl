// fill: y[i] = value + i * step, one thread an element. P is the arithmetic type: f32 for floats, the dtype itself for integers.
// Compile: T=f32 P=f32 | T=f16 P=f32 | T=u32 P=u32 | T=i32 P=i32
#if T == "f16"
enable f16;
#endif

struct Params {
  count: u32,
  value: ${P},
  step: ${P},
}

@group(0) @binding(0) var<storage, read_write> y: array<${T}>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count) { return; }
  y[index] = ${T}(params.value + ${P}(index) * params.step);
}
