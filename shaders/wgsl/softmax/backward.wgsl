// softmax.backward: gradient from the output y: dx = y * (grad - sum(grad * y)); with LOG 1 (y = log softmax) dx = grad - exp(y) * sum(grad).
// Layout: rows with a stride for y and grad; dx contiguous. Threads share rows as rows.wgsl says.
// Numerics: f32 sums; where y is 0 (LOG: minus infinity) its gradient is 0 (LOG: the cotangent). A row that is NaN has a NaN gradient.
// Compile: T=f32 W=f32 V=4 ROWS=row LOG=0 | T=f32 W=f32 V=1 ROWS=workgroup LOG=1 | T=f16 W=f32 V=4 SG=on ROWS=subgroup LOG=1
#include "rows.wgsl"
#include "softmax/row.wgsl"

struct Params {
  rows: u32,
  width: u32,
  y_offset: u32,
  y_stride: u32,
  grad_offset: u32,
  grad_stride: u32,
}

@group(0) @binding(0) var<storage, read> y: array<Stored>;
@group(0) @binding(1) var<storage, read> grad: array<Stored>;
@group(0) @binding(2) var<storage, read_write> dx: array<Stored>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(${SIZE})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let assigned = start_row(wid.x + wid.y * groups.x, local);
  let valid = assigned < params.rows;
  let row = min(assigned, params.rows - 1u);
  let y_first = params.y_offset + row * params.y_stride;
  let grad_first = params.grad_offset + row * params.grad_stride;
  var sums = Value(0);
  for (var block = lane; block < params.width; block += BLOCK) {
    let stop = min(block + BLOCK, params.width);
    var part = Value(0);
    for (var i = block; i < stop; i += LANES) {
#if LOG
      part += Value(grad[grad_first + i]);
#else
      part += Value(grad[grad_first + i]) * Value(y[y_first + i]);
#endif
    }
    sums += part;
  }
  let sum = row_sum(total(sums));
  if (!valid) { return; }
  for (var i = lane; i < params.width; i += LANES) {
    let g = Value(grad[grad_first + i]);
    let v = Value(y[y_first + i]);
#if LOG
    dx[row * params.width + i] = Stored(g - probability(v) * sum);
#else
    dx[row * params.width + i] = Stored(v * (g - sum));
#endif
  }
}
