// bincount: counts[v] += 1 for every element v of x. One thread an element; counts start at zero.
// Integer atomics commute, so the result does not depend on the order of threads.
// WEIGHTED 1: sums[v] = the sum of the weights of the elements v. One workgroup a bin, which sees all elements, so that the order of the sum is one.
// Compile: T=i32 WEIGHTED=0 | T=u32 WEIGHTED=0 | T=i32 WEIGHTED=1
struct Params {
  count: u32,
  offset: u32,
  bins: u32,
#if WEIGHTED
  weights_offset: u32,
#endif
}

@group(0) @binding(0) var<storage, read> x: array<${T}>;
#if WEIGHTED
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
#else
@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;
#endif
@group(0) @binding(2) var<uniform> params: Params;

#if WEIGHTED
var<workgroup> partial: array<f32, 64>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let bin = wid.x + wid.y * groups.x;
  var sum = 0.0;
  for (var index = local; index < params.count; index += 64u) {
    if (u32(x[params.offset + index]) == bin) { sum += weights[params.weights_offset + index]; }
  }
  partial[local] = sum;
  for (var half = 32u; half > 0u; half = half / 2u) {
    workgroupBarrier();
    if (local < half) { partial[local] += partial[local + half]; }
  }
  if (local == 0u && bin < params.bins) { sums[bin] = partial[0]; }
}
#else
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count) { return; }
  let bin = u32(x[params.offset + index]); // a negative value wraps to a large one, which is out of range too
  if (bin < params.bins) { atomicAdd(&counts[bin], 1u); }
}
#endif
