// bincount: counts[v] += 1 for every element v of x. One thread an element; counts start at zero.
// Integer atomics commute, so the result does not depend on the order of threads.
// Compile: T=i32 | T=u32
struct Params {
  count: u32,
  offset: u32,
  bins: u32,
}

@group(0) @binding(0) var<storage, read> x: array<${T}>;
@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count) { return; }
  let bin = u32(x[params.offset + index]); // a negative value wraps to a large one, which is out of range too
  if (bin < params.bins) { atomicAdd(&counts[bin], 1u); }
}
