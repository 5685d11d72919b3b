// loss.reduce: sums of chunks of `losses`: partial sums, or with LAST 1, of a single chunk, result[0] = factor * sum. COUNTS "labels": counted[row]
// = how many labels of the chunk are not `ignored`; "counts": the sum of such counts; with LAST 1 the result is divided by their sum. "none": no mean.
// Layout: `width` losses in `rows` chunks of `chunk`, each shared as rows.wgsl says. Numerics: f32, in a fixed order, blocks of 32 added up apart.
// Compile: T=f32 W=f32 V=1 ROWS=workgroup COUNTS=labels LAST=1 | T=f32 W=f32 V=1 SG=on ROWS=subgroup COUNTS=none LAST=1 | T=f32 W=f32 V=1 ROWS=row COUNTS=labels LAST=0 | T=f32 W=f32 V=1 ROWS=row COUNTS=counts LAST=1
#include "rows.wgsl"

struct Params {
  width: u32,
  rows: u32,
  chunk: u32,
  factor: f32,
  labels_offset: u32,
  ignored: u32,
}

@group(0) @binding(0) var<storage, read> losses: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;
#if COUNTS == "labels"
@group(0) @binding(3) var<storage, read> labels: array<u32>;
#elif COUNTS == "counts"
@group(0) @binding(3) var<storage, read> labels: array<f32>;
#endif
#if COUNTS != "none"
@group(0) @binding(4) var<storage, read_write> counted: array<f32>;
#endif

@compute @workgroup_size(${SIZE})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = start_row(wid.x + wid.y * groups.x, local);
  let end = min((row + 1u) * params.chunk, params.width);
  var sum = 0.0;
  var count = 0.0;
  for (var block = row * params.chunk + lane; block < end; block += 32u * LANES) {
    let stop = min(block + 32u * LANES, end);
    var part = 0.0;
    for (var i = block; i < stop; i += LANES) {
      part += losses[i];
#if COUNTS == "labels"
      count += select(1.0, 0.0, labels[params.labels_offset + i] == params.ignored);
#elif COUNTS == "counts"
      count += labels[i];
#endif
    }
    sum += part;
  }
  let all = row_sum(sum) * params.factor;
#if COUNTS != "none"
  let divisor = row_sum(count);
  if (row < params.rows && lane == 0u) {
    counted[row] = divisor;
    result[row] = ${LAST ? "all / divisor" : "all"};
  }
#else
  if (row < params.rows && lane == 0u) { result[row] = all; }
#endif
}
