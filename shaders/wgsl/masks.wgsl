// masks: keep, replace or make elements by their position. One thread an element of the contiguous y. T is u32 for every 4-byte dtype.
//
// MODE "triangle": x [.., rows, columns] contiguous; keeps sign * (column - row - diagonal) <= 0, else 0 (sign 1: tril, -1: triu).
// MODE "fill": y = mask ? value : x; x and mask strided over at most 8 dimensions; value as bits.
// MODE "one_hot": y [.., classes] = value where the last index is x[..] (contiguous, signed ones below 0 match nothing), else 0.
// Compile: T=u32 MODE=triangle | T=u32 MODE=fill | T=f16 MODE=one_hot
#if T == "f16"
enable f16;
#endif

struct Params {
  count: u32,
#if MODE == "triangle"
  rows: u32,
  columns: u32,
  x_offset: u32,
  diagonal: i32,
  sign: i32,
#elif MODE == "one_hot"
  classes: u32,
  x_offset: u32,
  value: u32,
#else
  x_offset: u32,
  mask_offset: u32,
  value: u32,
  shape: array<vec4<u32>, 2>,
  x_strides: array<vec4<u32>, 2>,
  mask_strides: array<vec4<u32>, 2>,
#endif
}

#if MODE == "one_hot"
@group(0) @binding(0) var<storage, read> x: array<u32>;
#else
@group(0) @binding(0) var<storage, read> x: array<${T}>;
#endif
@group(0) @binding(1) var<storage, read_write> y: array<${T}>;
@group(0) @binding(2) var<uniform> params: Params;
#if MODE == "fill"
@group(0) @binding(3) var<storage, read> mask: array<u32>;
#endif

/// A value of the element type from the bits of an f32 (f16) or of itself (4 bytes).
fn from_bits(bits: u32) -> ${T} {
#if T == "f16"
  return f16(bitcast<f32>(bits));
#else
  return bits;
#endif
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count) { return; }
#if MODE == "triangle"
  let column = i32(index % params.columns);
  let row = i32((index / params.columns) % params.rows);
  y[index] = select(${T}(0), x[params.x_offset + index], params.sign * (column - row - params.diagonal) <= 0);
#elif MODE == "one_hot"
  let hot = x[params.x_offset + index / params.classes] == index % params.classes;
  y[index] = from_bits(select(0u, params.value, hot));
#else
  var rest = index;
  var source = params.x_offset;
  var place = params.mask_offset;
#for d in 8
#let D = 7 - d
  if (rest > 0u) {
    let size = params.shape[${D / 4}].${"xyzw"[D % 4]};
    let at = rest % size;
    rest = rest / size;
    source += at * params.x_strides[${D / 4}].${"xyzw"[D % 4]};
    place += at * params.mask_strides[${D / 4}].${"xyzw"[D % 4]};
  }
#endfor
  if (mask[place] != 0u) { y[index] = from_bits(params.value); } else { y[index] = x[source]; }
#endif
}
