// gather: y[i] = x[base(i) + position(i) * x_step], position(i) = the index that belongs to i.
// Layout: y is contiguous; a thread takes params.run neighbours along its last dimension (V = 4: vec4s, whose index is the same for all four;
// sizes, strides and offsets of x and y count vec4s, those of the index single elements). The other dimensions have strides into x (without
// the gathered axis) and into the index tensor. WG threads a workgroup; GPUs want run 1 and WG 64, CPU adapters long runs and WG 8.
// Elements are moved as bits (T is u32 for every 4-byte dtype). Signed indices count from the end when negative; an index outside
// gives `outside` (the bits of an f32 NaN, or 0 for integers).
// Compile: T=u32 V=4 WG=64 | T=f16 V=1 WG=8
#if T == "f16"
enable f16;
#endif
#let TYPE = V == 4 ? "vec4<" : ""
#let END = V == 4 ? ">" : ""

struct Params {
  count: u32,
  x_offset: u32,
  x_step: u32,
  extent: u32,
  index_offset: u32,
  signed: u32,
  outside: u32,
  inner: u32,
  run: u32,
  x_along: u32,
  index_along: u32,
  pad: u32,
  // Without the last dimension.
  shape: array<vec4<u32>, 2>,
  x_strides: array<vec4<u32>, 2>,
  index_strides: array<vec4<u32>, 2>,
}

@group(0) @binding(0) var<storage, read> x: array<${TYPE}${T}${END}>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<${TYPE}${T}${END}>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let thread = (wid.x + wid.y * groups.x) * ${WG}u + local;
  if (thread >= params.count) { return; }
  let columns = (params.inner + params.run - 1u) / params.run;
  let first = (thread % columns) * params.run;
  var rest = thread / columns;
  let row = rest * params.inner;
  var source = params.x_offset + first * params.x_along;
  var place = params.index_offset + first * params.index_along;
#let AT = "source"
#let STRIDES = "x_strides"
#let WALK_TWO = 1
#let AT_TWO = "place"
#let STRIDES_TWO = "index_strides"
#include "index.walk.wgsl"
  let last = min(first + params.run, params.inner);
  for (var column = first; column < last; column++) {
    var position = indices[place];
    if (params.signed == 1u && bitcast<i32>(position) < 0) { position += params.extent; }
#if T == "f16"
    var value = ${TYPE}${T}${END}(f16(bitcast<f32>(params.outside)));
#else
    var value = ${TYPE}${T}${END}(params.outside);
#endif
    if (position < params.extent) { value = x[source + position * params.x_step]; }
    y[row + column] = value;
    source += params.x_along;
    place += params.index_along;
  }
}
