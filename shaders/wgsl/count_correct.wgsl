// count_correct: result[0] = how many rows have their label's logit above all others; of equal logits the first counts, as argmax has it.
// A row with a NaN, and one whose label is outside the classes, is not correct.
// Layout: rows with a stride, labels (bits of i32 or u32) contiguous. One workgroup takes all rows, one after the other: they are a batch.
// Compile: T=f32 W=f32 V=1 ROWS=row | T=f32 W=f32 V=1 ROWS=workgroup | T=f16 W=f32 V=1 SG=on ROWS=subgroup
#include "rows.wgsl"
#include "softmax/row.wgsl"

struct Params {
  rows: u32,
  classes: u32,
  x_offset: u32,
  x_stride: u32,
  labels_offset: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Stored>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(${SIZE})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let place = start_row(wid.x, local);
  var correct = 0.0;
  for (var row = 0u; row < params.rows; row++) {
    let first = params.x_offset + row * params.x_stride;
    let label = labels[params.labels_offset + row];
    let target_logit = Value(x[first + min(label, params.classes - 1u)]);
    var beaten = 0.0;
    for (var i = lane; i < params.classes; i += LANES) {
      let other = Value(x[first + i]);
      if (other > target_logit || (other == target_logit && i < label) || magnitude_bits(other) > PLUS_INFINITY) { beaten = 1.0; }
    }
    let is_beaten = row_max(beaten) > 0.0;
    correct += select(1.0, 0.0, is_beaten || label >= params.classes);
  }
  if (place == 0u && lane == 0u) { result[0] = correct; }
}
