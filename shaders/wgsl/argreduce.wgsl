// argreduce: the position along the reduced dimension of the first largest (or smallest) element; the first NaN wins over numbers.
// Layout as reduce: one thread an output and chunk. With CANDIDATES 1 it chooses among positions that an earlier pass left in
// [chunks, outputs] instead of all. Defines: T storage, A arithmetic type, BEST "max" or "min".
// Compile: T=f32 A=f32 BEST=max CANDIDATES=0 | T=i32 A=i32 BEST=min CANDIDATES=1
#if T == "f16"
enable f16;
#endif
#include "reduce.params.wgsl"

@group(0) @binding(0) var<storage, read> x_values: array<${T}>;
@group(0) @binding(1) var<storage, read_write> result: array<i32>;
#if CANDIDATES
@group(0) @binding(2) var<storage, read> candidates: array<i32>;
#endif
@group(0) @binding(3) var<uniform> params: Params;

fn is_nan(x: ${A}) -> bool {
#if A == "f32"
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
#else
  return false;
#endif
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let task = (wid.x + wid.y * groups.x) * 64u + local;
  if (task >= params.outputs * params.chunks) { return; }
  let output = task % params.outputs;
  var rest = output;
  var at = params.offset;
#let AT = "at"
#let STRIDES = "strides"
#let WALK_TWO = 0
#include "index.walk.wgsl"
  let begin = (task / params.outputs) * params.chunk;
  let end = min(begin + params.chunk, params.length);
  var best = ${A}(0);
  var place = 0u;
  for (var i = begin; i < end; i++) {
#if CANDIDATES
    let position = u32(candidates[i * params.outputs + output]);
#else
    let position = i;
#endif
    let value = ${A}(x_values[at + position * params.stride]);
    let is_better = value ${BEST == "max" ? ">" : "<"} best || (is_nan(value) && !is_nan(best));
    if (i == begin || (is_better && !is_nan(best))) { best = value; place = position; }
  }
  result[task] = i32(place);
}
