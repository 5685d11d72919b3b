// sort: stable merge sort of lines of any length in global memory, one thread an element and pass. Only the first `wanted` elements of a
// line are asked for, so runs longer than that keep no more: the largest few of a long line cost little more than reading it.
// PASS "keys":  keys[line, i] = an u32 that sorts as x does (reversed if DESCENDING), places[line, i] = i;
//      "merge": sorted runs of `run` elements become runs of 2 * run: an element's new place is its rank plus its rank in the
//               other run, by binary search; equal keys keep their order. Of each run `kept` elements are stored, then `kept_next`;
//      "take":  values and indices of the first `wanted` of each line, laid out as the result.
// NaN is larger than every number (as in PyTorch): last in ascending order, first in descending. -0 equals 0.
// Defines: T storage type of x; KIND f, i or u for "keys".
// Compile: T=f32 KIND=f PASS=keys DESCENDING=1 | T=f32 KIND=f PASS=merge DESCENDING=0 | T=f32 KIND=f PASS=take DESCENDING=0
#if T == "f16" && PASS != "merge"
enable f16;
#endif
struct Params {
  lines: u32,
  length: u32,
  wanted: u32,
  run: u32,
  kept: u32,
  kept_next: u32,
  x_offset: u32,
  x_step: u32,
  y_step: u32,
  shape: array<vec4<u32>, 2>,
  x_strides: array<vec4<u32>, 2>,
  y_strides: array<vec4<u32>, 2>,
}
#if PASS == "merge"
@group(0) @binding(0) var<storage, read> keys: array<u32>;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read_write> keys_out: array<u32>;
@group(0) @binding(3) var<storage, read_write> places_out: array<u32>;
#elif PASS == "keys"
@group(0) @binding(0) var<storage, read> x: array<${T}>;
@group(0) @binding(2) var<storage, read_write> keys_out: array<u32>;
@group(0) @binding(3) var<storage, read_write> places_out: array<u32>;
#else
@group(0) @binding(0) var<storage, read> x: array<${T}>;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read_write> values: array<${T}>;
@group(0) @binding(3) var<storage, read_write> indices: array<i32>;
#endif
@group(0) @binding(4) var<uniform> params: Params;

#if PASS == "keys"
#include "order.key.wgsl"
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let task = (wid.x + wid.y * groups.x) * 64u + local;
#if PASS == "merge"
  let runs = (params.length + params.run - 1u) / params.run;
  let width = runs * params.kept;
#else
  let width = ${PASS == "take" ? "params.wanted" : "params.length"};
#endif
  if (task >= params.lines * width) { return; }
  let line = task / width;
#if PASS == "merge"
  let run = task % width / params.kept;
  let i = task % params.kept;
  if (run * params.run + i >= params.length) { return; } // the last run is shorter
  let other = run ^ 1u;
  let is_left = run < other;
  let base = line * width + other * params.kept;
  let key = keys[task];
  // How many elements of the other run come first: smaller ones, and for the right run equal ones of the left.
  var low = 0u;
  var high = min(params.kept, params.length - min(other * params.run, params.length));
  while (low < high) {
    let probe = (low + high) / 2u;
    let against = keys[base + probe];
    if (against < key || (against == key && !is_left)) { low = probe + 1u; } else { high = probe; }
  }
  let rank = i + low;
  if (rank >= params.kept_next) { return; }
  let place = (line * ((runs + 1u) / 2u) + run / 2u) * params.kept_next + rank;
  keys_out[place] = key;
  places_out[place] = places[task];
#else
  let i = task % width;
  var rest = line;
  var source = params.x_offset;
  var result_place = 0u;
#let AT = "source"
#let STRIDES = "x_strides"
#let WALK_TWO = 1
#let AT_TWO = "result_place"
#let STRIDES_TWO = "y_strides"
#include "index.walk.wgsl"
#if PASS == "keys"
  keys_out[task] = ${DESCENDING ? "~" : ""}key_of(x[source + i * params.x_step]);
  places_out[task] = i;
#else
  let place = places[line * params.kept + i];
  values[result_place + i * params.y_step] = x[source + place * params.x_step];
  indices[result_place + i * params.y_step] = i32(place);
#endif
#endif
}
