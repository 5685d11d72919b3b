// gather: y[i] = x[base(i) + position(i) * x_step], position(i) = the index that belongs to i.
// Layout: one thread an element (V = 4: a vec4 along the last dimension, whose index is the same for all four; sizes, strides and
// offsets of x and y count vec4s, those of the index single elements). y is contiguous; its index is split over at most 8 dimensions, with
// strides into x (without the gathered axis) and into the index tensor.
// Elements are moved as bits (T is u32 for every 4-byte dtype). Signed indices count from the end when negative; an index outside
// gives `outside` (the bits of an f32 NaN, or 0 for integers).
// Compile: T=u32 V=4 | T=f16 V=1
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
  pad: u32,
  shape: array<vec4<u32>, 2>,
  x_strides: array<vec4<u32>, 2>,
  index_strides: array<vec4<u32>, 2>,
}

@group(0) @binding(0) var<storage, read> x: array<${TYPE}${T}${END}>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<${TYPE}${T}${END}>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count) { return; }
  var rest = index;
  var source = params.x_offset;
  var place = params.index_offset;
#for d in 8
#let D = 7 - d
  if (rest > 0u) {
    let size = params.shape[${D / 4}].${"xyzw"[D % 4]};
    let at = rest % size;
    rest = rest / size;
    source += at * params.x_strides[${D / 4}].${"xyzw"[D % 4]};
    place += at * params.index_strides[${D / 4}].${"xyzw"[D % 4]};
  }
#endfor
  var position = indices[place];
  if (params.signed == 1u && bitcast<i32>(position) < 0) { position += params.extent; }
  if (position < params.extent) {
    y[index] = x[source + position * params.x_step];
  } else {
#if T == "f16"
    y[index] = ${TYPE}${T}${END}(f16(bitcast<f32>(params.outside)));
#else
    y[index] = ${TYPE}${T}${END}(params.outside);
#endif
  }
}
