// sort: stable merge sort of lines of any length in global memory, one thread an element and pass.
// PASS "keys":  keys[line, i] = an u32 that sorts as x does (reversed if DESCENDING), places[line, i] = i;
//      "merge": sorted runs of `run` elements become runs of 2 * run: an element's new place is its own rank plus its rank in the
//               other run, by binary search; equal keys keep their order;
//      "take":  values and indices of the first `length_y` of each line, laid out as the result.
// NaN is larger than every number (as in PyTorch): last in ascending order, first in descending. -0 equals 0.
// Defines: T storage type of x; KIND f, i or u for "keys".
// Compile: T=f32 KIND=f PASS=keys DESCENDING=1 | T=f32 KIND=f PASS=merge DESCENDING=0 | T=f32 KIND=f PASS=take DESCENDING=0
#if T == "f16" && PASS != "merge"
enable f16;
#endif
struct Params {
  lines: u32,
  length: u32,
  length_y: u32,
  run: u32,
  x_offset: u32,
  x_step: u32,
  y_step: u32,
  pad: u32,
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
fn keyOf(value: ${T}) -> u32 {
#if KIND == "f"
  let bits = bitcast<u32>(f32(value));
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return 0xffffffffu; }
  if ((bits & 0x7fffffffu) == 0u) { return 0x80000000u; }
  return select(bits | 0x80000000u, ~bits, (bits & 0x80000000u) != 0u);
#elif KIND == "i"
  return bitcast<u32>(value) ^ 0x80000000u;
#else
  return value;
#endif
}
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let task = (wid.x + wid.y * groups.x) * 64u + local;
  let width = ${PASS == "take" ? "params.length_y" : "params.length"};
  if (task >= params.lines * width) { return; }
  let line = task / width;
  let i = task % width;
  let base = line * params.length;
#if PASS == "merge"
  let pair = i / (2u * params.run) * (2u * params.run);
  let middle = min(pair + params.run, params.length);
  let end = min(pair + 2u * params.run, params.length);
  let key = keys[base + i];
  let isLeft = i < middle;
  // The number of elements of the other run that come first: smaller ones, and for the right run equal ones of the left.
  var low = select(pair, middle, isLeft);
  var high = select(middle, end, isLeft);
  let start = low;
  while (low < high) {
    let probe = (low + high) / 2u;
    let other = keys[base + probe];
    if (other < key || (other == key && !isLeft)) { low = probe + 1u; } else { high = probe; }
  }
  let own = i - select(middle, pair, isLeft);
  let place = base + pair + own + (low - start);
  keys_out[place] = key;
  places_out[place] = places[base + i];
#else
  var rest = line;
  var source = params.x_offset;
  var target_place = 0u;
#for d in 8
#let D = 7 - d
  {
    let size = params.shape[${D / 4}].${"xyzw"[D % 4]};
    let at = rest % size;
    rest = rest / size;
    source += at * params.x_strides[${D / 4}].${"xyzw"[D % 4]};
    target_place += at * params.y_strides[${D / 4}].${"xyzw"[D % 4]};
  }
#endfor
#if PASS == "keys"
  keys_out[task] = ${DESCENDING ? "~" : ""}keyOf(x[source + i * params.x_step]);
  places_out[task] = i;
#else
  let place = places[base + i];
  values[target_place + i * params.y_step] = x[source + place * params.x_step];
  indices[target_place + i * params.y_step] = i32(place);
#endif
#endif
}
