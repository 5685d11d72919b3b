// conv.bias: dbias[o] = sum of grad[n, o, p, q] over n, p, q. A row is an output channel; threads share rows as rows.wgsl says. f32 sums.
// Compile: T=f32 W=f32 V=1 ROWS=row | T=f32 W=f32 V=1 ROWS=workgroup | T=f16 W=f16 V=1 SG=on ROWS=subgroup
#include "rows.wgsl"

struct Params {
  rows: u32,
  width: u32, // images * places
  places: vec2<u32>,
  offset: u32,
  strides: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> grad: array<${T}>;
@group(0) @binding(1) var<storage, read_write> dbias: array<${T}>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(${SIZE})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let own = start_row(wid.x + wid.y * groups.x, local);
  let row = min(own, params.rows - 1u);
  var sum = 0.0;
  for (var i = lane; i < params.width; i += LANES) {
    let line = i / params.places.y;
    let at = vec4<u32>(line / params.places.x, row, line % params.places.x, i % params.places.y) * params.strides;
    sum += f32(grad[params.offset + at.x + at.y + at.z + at.w]);
  }
  let all = row_sum(sum);
  if (own < params.rows && lane == 0u) { dbias[row] = ${T}(all); }
}
