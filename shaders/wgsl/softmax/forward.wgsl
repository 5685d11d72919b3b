// softmax: y = exp(x - max) / sum, or with LOG 1 y = x - max - log(sum), for rows.
// Layout: rows with a stride; y contiguous. Threads share rows as rows.wgsl says; three passes: max, sum, write.
// Numerics: minus infinity is 0 (LOG: minus infinity). A row that holds NaN or plus infinity, or nothing but minus infinity, is NaN.
// Compile: T=f32 W=f32 V=4 ROWS=row LOG=0 | T=f32 W=f32 V=1 ROWS=workgroup LOG=1 | T=f16 W=f32 V=4 SG=on ROWS=subgroup LOG=0
#include "rows.wgsl"
#include "softmax/row.wgsl"

struct Params {
  rows: u32,
  width: u32,
  x_offset: u32,
  x_stride: u32,
  not_a_number: u32, // its bits: WGSL has no constant for it
}

@group(0) @binding(0) var<storage, read> x: array<Stored>;
@group(0) @binding(1) var<storage, read_write> y: array<Stored>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(${SIZE})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let assigned = start_row(wid.x + wid.y * groups.x, local);
  let valid = assigned < params.rows;
  let row = min(assigned, params.rows - 1u);
  let first = params.x_offset + row * params.x_stride;
  var lane_max = Value(-3.4028234e38);
  var largest_bits = 0u;
  for (var i = lane; i < params.width; i += LANES) {
    let v = Value(x[first + i]);
    lane_max = max(lane_max, v);
    largest_bits = max(largest_bits, magnitude_bits(v));
  }
  let m = row_max(highest(lane_max));
  let has_nan = row_max(f32(largest_bits > PLUS_INFINITY || highest(lane_max) > 3.4028234e38)) > 0.0;
  var sums = Value(0);
  for (var block = lane; block < params.width; block += BLOCK) {
    let stop = min(block + BLOCK, params.width);
    var part = Value(0);
    for (var i = block; i < stop; i += LANES) { part += exp_below(Value(x[first + i]), m); }
    sums += part;
  }
  let sum = row_sum(total(sums));
  if (!valid) { return; }
  let y_first = row * params.width;
  if (has_nan || sum == 0.0) {
    for (var i = lane; i < params.width; i += LANES) { y[y_first + i] = Stored(Value(bitcast<f32>(params.not_a_number))); }
    return;
  }
#if LOG
  let shift = log(sum);
  for (var i = lane; i < params.width; i += LANES) { y[y_first + i] = Stored((Value(x[first + i]) - m) - shift); }
#else
  let scale = 1.0 / sum;
  for (var i = lane; i < params.width; i += LANES) { y[y_first + i] = Stored(exp_below(Value(x[first + i]), m) * scale); }
#endif
}
