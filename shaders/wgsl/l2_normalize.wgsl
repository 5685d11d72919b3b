// l2_normalize: y = x / max(|x|, eps) for rows; MODE "backward": dx = (grad - y * (grad . y)) / |x|, or grad / eps where eps holds.
// Layout: rows with a stride for x and grad; the output is contiguous. Threads share rows as rows.wgsl says. f32 sums.
// Compile: T=f32 W=f32 V=4 ROWS=row MODE=forward | T=f32 W=f32 V=1 ROWS=workgroup MODE=backward | T=f16 W=f32 V=4 SG=on ROWS=subgroup MODE=backward
#include "rows.wgsl"

struct Params {
  rows: u32,
  width: u32,
  x_offset: u32,
  x_stride: u32,
  eps: f32,
#if MODE == "backward"
  grad_offset: u32,
  grad_stride: u32,
#endif
}

@group(0) @binding(0) var<storage, read> x: array<Stored>;
@group(0) @binding(1) var<storage, read_write> y: array<Stored>;
@group(0) @binding(2) var<uniform> params: Params;
#if MODE == "backward"
@group(0) @binding(3) var<storage, read> grad: array<Stored>;
#endif

@compute @workgroup_size(${SIZE})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let own = start_row(wid.x + wid.y * groups.x, local);
  let valid = own < params.rows;
  let row = min(own, params.rows - 1u);
  let first = params.x_offset + row * params.x_stride;
#if MODE == "backward"
  let first_grad = params.grad_offset + row * params.grad_stride;
  var products = Value(0);
#endif
  var squares = Value(0);
  for (var i = lane; i < params.width; i += LANES) {
    let v = Value(x[first + i]);
    squares += v * v;
#if MODE == "backward"
    products += v * Value(grad[first_grad + i]);
#endif
  }
  let norm = sqrt(row_sum(total(squares)));
  let scale = 1.0 / max(norm, params.eps);
#if MODE == "backward"
  let dot = row_sum(total(products));
  // Where eps is the divisor it is a constant, and the projection falls away.
  let projection = select(0.0, dot * scale * scale, norm > params.eps);
#endif
  if (!valid) { return; }
  for (var i = lane; i < params.width; i += LANES) {
#if MODE == "backward"
    y[row * params.width + i] = Stored((Value(grad[first_grad + i]) - Value(x[first + i]) * projection) * scale);
#else
    y[row * params.width + i] = Stored(Value(x[first + i]) * scale);
#endif
  }
}
