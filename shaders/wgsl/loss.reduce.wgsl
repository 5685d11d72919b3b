// loss.reduce: result[0] = factor * sum(losses), in a fixed order; with MEAN 1 divided by counted[0] = how many labels are not `ignored`.
// Layout: `width` losses, one row shared as rows.wgsl says.
// Compile: T=f32 W=f32 V=1 ROWS=workgroup MEAN=1 | T=f32 W=f32 V=1 SG=on ROWS=subgroup MEAN=0
#include "rows.wgsl"

struct Params {
  width: u32,
  factor: f32,
#if MEAN
  labels_offset: u32,
  ignored: u32,
#endif
}

@group(0) @binding(0) var<storage, read> losses: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;
#if MEAN
@group(0) @binding(3) var<storage, read> labels: array<u32>;
@group(0) @binding(4) var<storage, read_write> counted: array<f32>;
#endif

@compute @workgroup_size(${SIZE})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = start_row(wid.x, local);
  var sum = 0.0;
  var count = 0.0;
  for (var i = lane; i < params.width; i += LANES) {
    sum += losses[i];
#if MEAN
    count += select(1.0, 0.0, labels[params.labels_offset + i] == params.ignored);
#endif
  }
  let all = row_sum(sum) * params.factor;
#if MEAN
  let divisor = row_sum(count);
  if (row == 0u && lane == 0u) {
    counted[0] = divisor;
    result[0] = all / divisor;
  }
#else
  if (row == 0u && lane == 0u) { result[0] = all; }
#endif
}
