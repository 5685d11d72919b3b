// copy: y = x, from any strided view into any other of equal shape, with conversion.
// Numerics: floats to integers lose their fraction; what lies beyond the integers becomes the nearest one that f32 holds, NaN 0.
// Layout: a thread takes params.run neighbours along the last dimension, so that the index is divided once for all of them; V 4: neighbours
// are vec4s (sizes, strides and offsets count them). WG threads a workgroup; GPUs want run 1 and WG 64, CPU adapters long runs and WG 8.
// Compile: TX=f32 TY=f32 V=4 WG=64 TO_BOOL=0 | TX=f16 TY=f32 V=1 WG=8 TO_BOOL=0 | TX=f32 TY=u32 V=4 WG=8 TO_BOOL=1 | TX=f32 TY=i32 V=4 WG=8 TO_BOOL=0
#if TX == "f16" || TY == "f16"
enable f16;
#endif

struct Params {
  count: u32,
  inner: u32,
  run: u32,
  x_offset: u32,
  x_step: u32,
  y_offset: u32,
  y_step: u32,
  pad: u32,
  // Without the last dimension.
  shape: array<vec4<u32>, 2>,
  x_strides: array<vec4<u32>, 2>,
  y_strides: array<vec4<u32>, 2>,
}

#let FROM = V == 4 ? "vec4<" + TX + ">" : TX
// Floats by their bits, without the sign: adapters disagree about whether NaN differs from 0.
#let F32 = V == 4 ? "vec4<f32>" : "f32"
#let U32 = V == 4 ? "vec4<u32>" : "u32"
#let BITS = "(bitcast<" + U32 + ">(" + F32 + "(x[source])) & " + U32 + "(0x7fffffffu))"
#let FROM_FLOAT = TX == "f32" || TX == "f16"
#let TRUE = FROM_FLOAT ? BITS + " != " + U32 + "(0)" : "x[source] != " + FROM + "(0)"
#let TO = V == 4 ? "vec4<" + TY + ">" : TY
@group(0) @binding(0) var<storage, read> x: array<${FROM}>;
@group(0) @binding(1) var<storage, read_write> y: array<${TO}>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let thread = (wid.x + wid.y * groups.x) * ${WG}u + local;
  if (thread >= params.count) { return; }
  let columns = (params.inner + params.run - 1u) / params.run;
  let first = (thread % columns) * params.run;
  var rest = thread / columns;
  var source = params.x_offset + first * params.x_step;
  var place = params.y_offset + first * params.y_step;
#let AT = "source"
#let STRIDES = "x_strides"
#let WALK_TWO = 1
#let AT_TWO = "place"
#let STRIDES_TWO = "y_strides"
#include "index.walk.wgsl"
  for (var left = min(params.run, params.inner - first); left > 0u; left--) {
#if TO_BOOL
    y[place] = ${TO}(${TRUE});
#elif FROM_FLOAT && (TY == "i32" || TY == "u32")
    y[place] = select(${TO}(x[source]), ${TO}(0), ${BITS} > ${U32}(0x7f800000u));
#else
    y[place] = ${TO}(x[source]);
#endif
    source += params.x_step;
    place += params.y_step;
  }
}
