// l2_normalize: y = x / max(|x|, eps) for rows; backward: y = dx = (grad - y * (grad . y)) / |x|, or grad / eps where eps holds.
// Layout: rows with a stride for x and grad; the output is contiguous. Threads share rows as rows.wgsl says. f32 sums.
// One pipeline for both: the direction is a parameter, tested once a pass. Forward, grad is bound to x and not read.
// Compile: T=f32 W=f32 V=4 ROWS=row | T=f32 W=f32 V=1 ROWS=workgroup | T=f16 W=f32 V=4 SG=on ROWS=subgroup
#include "rows.wgsl"

struct Params {
  rows: u32,
  width: u32,
  x_offset: u32,
  x_stride: u32,
  eps: f32,
  is_backward: u32,
  grad_offset: u32,
  grad_stride: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Stored>;
@group(0) @binding(1) var<storage, read_write> y: array<Stored>;
@group(0) @binding(2) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> grad: array<Stored>;

@compute @workgroup_size(${SIZE})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let assigned = start_row(wid.x + wid.y * groups.x, local);
  let valid = assigned < params.rows;
  let row = min(assigned, params.rows - 1u);
  let first = params.x_offset + row * params.x_stride;
  let first_grad = params.grad_offset + row * params.grad_stride;
  var squares = Value(0);
  var products = Value(0);
  if (params.is_backward == 1u) {
    for (var block = lane; block < params.width; block += BLOCK) {
      let stop = min(block + BLOCK, params.width);
      var square = Value(0);
      var product = Value(0);
      for (var i = block; i < stop; i += LANES) {
        let v = Value(x[first + i]);
        square += v * v;
        product += v * Value(grad[first_grad + i]);
      }
      squares += square;
      products += product;
    }
  } else {
    for (var block = lane; block < params.width; block += BLOCK) {
      let stop = min(block + BLOCK, params.width);
      var square = Value(0);
      for (var i = block; i < stop; i += LANES) {
        let v = Value(x[first + i]);
        square += v * v;
      }
      squares += square;
    }
  }
  let sum = row_sum(total(squares));
  // Rows whose squares leave f32 are summed again in another unit, a power of two; other rows skip this pass.
  let unit = select(select(1.0, 0x1p96, sum < 0x1p-80), 0x1p-96, sum > 0x1p120);
  let again = select(params.width, 0u, unit == 1.0);
  if (again > 0u) { products = Value(0); }
  var in_units = Value(0);
  for (var i = lane; i < again; i += LANES) {
    let v = Value(x[first + i]) * unit;
    in_units += v * v;
    products += v * Value(grad[first_grad + i]);
  }
  let sum_in_units = row_sum(total(in_units));
  let norm = sqrt(select(sum_in_units, sum, unit == 1.0));
  let eps = params.eps * unit;
  // A NaN stays: WGSL's max may drop it.
  let scale = 1.0 / select(max(norm, eps), norm, (bitcast<u32>(norm) & 0x7fffffffu) > 0x7f800000u);
  let dot = row_sum(total(products));
  // Where eps is the divisor it is a constant, and the projection falls away.
  let projection = select(0.0, dot * scale * scale, norm > eps);
  if (!valid) { return; }
  if (params.is_backward == 1u) {
    for (var i = lane; i < params.width; i += LANES) {
      y[row * params.width + i] = Stored((Value(grad[first_grad + i]) - (Value(x[first + i]) * unit) * projection) * (scale * unit));
    }
    return;
  }
  for (var i = lane; i < params.width; i += LANES) { y[row * params.width + i] = Stored((Value(x[first + i]) * unit) * scale); }
}
