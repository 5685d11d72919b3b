// loss.pair: losses between two contiguous tensors of `count` elements: KIND "l1" |x - wanted|, "mse" (x - wanted)^2.
//   MODE "forward": losses[row] = sum over elements row * chunk .. (row + 1) * chunk; rows are shared as rows.wgsl says.
//   MODE "backward": dx = grad[0] * factor * (sign(x - wanted) or 2 (x - wanted)), one thread an element.
// Compile: T=f32 W=f32 V=1 ROWS=row KIND=l1 MODE=forward | T=f32 W=f32 V=1 ROWS=row KIND=mse MODE=backward | T=f16 W=f32 V=1 SG=on ROWS=subgroup KIND=mse MODE=forward
#include "rows.wgsl"

struct Params {
  count: u32,
  x_offset: u32,
  wanted_offset: u32,
#if MODE == "forward"
  rows: u32,
  chunk: u32,
#else
  grad_offset: u32,
  factor: f32,
#endif
}

@group(0) @binding(0) var<storage, read> x: array<${T}>;
@group(0) @binding(1) var<storage, read> wanted: array<${T}>;
@group(0) @binding(2) var<uniform> params: Params;
#if MODE == "forward"
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

@compute @workgroup_size(${SIZE})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = start_row(wid.x + wid.y * groups.x, local);
  let end = min((row + 1u) * params.chunk, params.count);
  var sum = 0.0;
  for (var block = row * params.chunk + lane; block < end; block += 32u * LANES) {
    let stop = min(block + 32u * LANES, end);
    var part = 0.0;
    for (var i = block; i < stop; i += LANES) {
      let d = f32(x[params.x_offset + i]) - f32(wanted[params.wanted_offset + i]);
#if KIND == "l1"
      part += abs(d);
#else
      part += d * d;
#endif
    }
    sum += part;
  }
  let loss = row_sum(sum);
  if (row < params.rows && lane == 0u) { losses[row] = loss; }
}
#else
@group(0) @binding(3) var<storage, read> grad: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<${T}>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (wid.x + wid.y * groups.x) * 64u + local;
  if (i >= params.count) { return; }
  let d = f32(x[params.x_offset + i]) - f32(wanted[params.wanted_offset + i]);
#if KIND == "l1"
  // NaN stays: WGSL leaves its sign open.
  let slope = select(sign(d), d, (bitcast<u32>(d) & 0x7fffffffu) > 0x7f800000u);
#else
  let slope = 2.0 * d;
#endif
  dx[i] = ${T}(slope * params.factor * grad[params.grad_offset]);
}
#endif
