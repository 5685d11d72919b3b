// search: y[line, i] = how many elements of the ascending sorted[line, :] are less than values[line, i] (or equal to it, with params.right).
// All contiguous; one sorted line serves all values where params.line_step is 0. One thread a value, by halving.
// Defines: T storage type; KIND f, i or u. NaN is larger than every number.
// Compile: T=f32 KIND=f | T=i32 KIND=i | T=u32 KIND=u
#if T == "f16"
enable f16;
#endif
struct Params {
  count: u32,
  length: u32,
  per_line: u32,
  line_step: u32,
  sorted_offset: u32,
  values_offset: u32,
  right: u32,
}
@group(0) @binding(0) var<storage, read> sorted: array<${T}>;
@group(0) @binding(1) var<storage, read> values: array<${T}>;
@group(0) @binding(2) var<storage, read_write> y: array<i32>;
@group(0) @binding(3) var<uniform> params: Params;
#include "order.key.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count) { return; }
  let key = key_of(values[params.values_offset + index]);
  let line = params.sorted_offset + index / params.per_line * params.line_step;
  var low = 0u;
  var high = params.length;
  while (low < high) {
    let probe = (low + high) / 2u;
    let against = key_of(sorted[line + probe]);
    if (against < key || (against == key && params.right != 0u)) { low = probe + 1u; } else { high = probe; }
  }
  y[index] = i32(low);
}
