// norm.backward: gradient of norm/forward.wgsl with respect to its input. With n = (x - mean) * rstd and g = grad * weight:
//   dx = rstd * (g - mean(g) - n * mean(g * n)) (+ residual_grad); RMS norm (CENTERED 0) has no mean(g) and mean 0.
// Layout: rows with a stride for x, grad and residual_grad; dx, rstd and moments, [2 or more, rows] of the forward, contiguous. One pass for both sums, one to write.
// G is the type of grad and residual_grad, D that of dx and dprefix. A residual_grad there is not is bound to x and not read: one pipeline with and without, its loops apart.
// PREFIX 1 (with CENTERED 1): as in the forward, grad has the rows of the prefix before those of x. Their gradient is dprefix; residual_grad is of x alone.
// PARAMETERS 1 (with CENTERED 1, PREFIX 0): workgroups from `row_groups` on form the gradients of weight and bias, [2, width] f32, as norm/parameters.wgsl does in
// one chunk: for few rows.
// NORMALISED 1 (with CENTERED 1, PARAMETERS 0): x is n, as the forward has kept it, those of the prefix before the others in one tensor; moments are not read.
// PARTS 1 (with G f32, PARAMETERS 0): grad is the result of a split product (gemm/reduce.wgsl), contiguous, and is formed here: the sum of its parts in their order.
// HELD: as in the forward.
// Compile: T=f32 G=f32 D=f32 W=f32 V=4 ROWS=workgroup CENTERED=1 PREFIX=0 PARAMETERS=1 NORMALISED=0 PARTS=0 HELD=0 | T=f32 G=f32 D=f32 W=f32 V=4 ROWS=row CENTERED=1 PREFIX=0 PARAMETERS=0 NORMALISED=0 PARTS=0 HELD=0 | T=f32 G=f32 D=f32 W=f32 V=1 ROWS=workgroup CENTERED=0 PREFIX=0 PARAMETERS=0 NORMALISED=0 PARTS=0 HELD=0 | T=f16 G=f16 D=f16 W=f16 V=4 SG=on ROWS=subgroup CENTERED=1 PREFIX=0 PARAMETERS=0 NORMALISED=0 PARTS=0 HELD=0 | T=f16 G=f32 D=f32 W=f32 V=4 ROWS=row CENTERED=1 PREFIX=0 PARAMETERS=0 NORMALISED=1 PARTS=0 HELD=0 | T=f16 G=f32 D=f32 W=f32 V=4 ROWS=row CENTERED=1 PREFIX=1 PARAMETERS=0 NORMALISED=1 PARTS=0 HELD=0 | T=f32 G=f16 D=f32 W=f32 V=4 ROWS=row CENTERED=1 PREFIX=1 PARAMETERS=0 NORMALISED=0 PARTS=0 HELD=0 | T=f32 G=f32 D=f32 W=f32 V=4 ROWS=workgroup CENTERED=1 PREFIX=1 PARAMETERS=0 NORMALISED=0 PARTS=1 BUFFERS=9 HELD=0 | T=f32 G=f32 D=f32 W=f32 V=4 SG=on ROWS=subgroup CENTERED=1 PREFIX=1 PARAMETERS=0 NORMALISED=0 PARTS=1 HELD=2 BUFFERS=9
#if G == "f16" && T != "f16" && W != "f16"
enable f16;
#endif
#include "rows.wgsl"

#if V == 4
alias Cotangent = vec4<${G}>;
alias Result = vec4<${D}>;
#else
alias Cotangent = ${G};
alias Result = ${D};
#endif

struct Params {
  rows: u32,
  width: u32,
  x_offset: u32,
  x_stride: u32,
  grad_offset: u32,
  grad_stride: u32,
  weight_offset: u32,
  has_weight: u32,
  per_element: f32, // 1 / elements of a row
  stats_offset: u32, // of rstd
#if CENTERED && !NORMALISED
  moments_offset: u32,
#endif
  has_residual: u32,
  residual_offset: u32,
  residual_stride: u32,
#if PREFIX
  prefix_rows: u32,
  prefix_offset: u32,
  prefix_stride: u32,
#endif
#if PARAMETERS
  row_groups: u32,
#endif
#if PARTS
  parts: u32,
  part_size: u32,
#endif
}

@group(0) @binding(0) var<storage, read> x: array<Stored>;
@group(0) @binding(1) var<storage, ${PARTS ? "read_write" : "read"}> grad: array<Cotangent>;
@group(0) @binding(2) var<storage, read> weight: array<StoredWeight>;
#if CENTERED && !PREFIX && !NORMALISED
@group(0) @binding(3) var<storage, read> moments: array<f32>;
#endif
@group(0) @binding(4) var<storage, read> rstd: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<Result>;
@group(0) @binding(6) var<uniform> params: Params;
@group(0) @binding(7) var<storage, read> residual_grad: array<Cotangent>;
#if PREFIX
#if !NORMALISED
@group(0) @binding(8) var<storage, read> prefix: array<Stored>;
#endif
@group(0) @binding(9) var<storage, read_write> dprefix: array<Result>;
#endif

#if PARAMETERS
@group(0) @binding(10) var<storage, read_write> dparameters: array<Value>;
#endif
#if PARTS
@group(0) @binding(11) var<storage, read> partial: array<Cotangent>;
#endif

/// Element i of a row of the input.
fn value(row: u32, i: u32) -> Value {
#if PREFIX && !NORMALISED
  if (row < params.prefix_rows) { return Value(prefix[params.prefix_offset + row * params.prefix_stride + i]); }
  return Value(x[params.x_offset + (row - params.prefix_rows) * params.x_stride + i]);
#else
  return Value(x[params.x_offset + row * params.x_stride + i]);
#endif
}

fn weighted(row: u32, i: u32) -> Value {
  let g = Value(grad[params.grad_offset + row * params.grad_stride + i]);
  if (params.has_weight == 1u) { return g * Value(weight[params.weight_offset + i]); }
  return g;
}

#if PARTS
/// Element i of a row of grad, from its parts; it is stored, and read by this invocation alone from then on.
fn form(row: u32, i: u32) {
  let at = row * params.grad_stride + i;
  var sum = Value(0);
  for (var part = 0u; part < params.parts; part++) { sum += partial[part * params.part_size + at]; }
  grad[at] = sum;
}
#endif

#if PARAMETERS
fn sum_column(column: u32) {
  if (column >= params.width) { return; }
  var dweight = Value(0);
  var dbias = Value(0);
  for (var row = 0u; row < params.rows; row++) {
    let g = Value(grad[params.grad_offset + row * params.grad_stride + column]);
    let centered = (value(row, column) - moments[params.moments_offset + row]) - moments[params.moments_offset + params.rows + row];
    dweight += g * (centered * rstd[params.stats_offset + row]);
    dbias += g;
  }
  dparameters[column] = dweight;
  dparameters[params.width + column] = dbias;
}
#endif

/// Element i of a normalised row.
fn normal_of(row: u32, i: u32, center: f32, rest: f32, scale: f32) -> Value {
#if NORMALISED
  return value(row, i);
#else
  return ((value(row, i) - center) - rest) * scale;
#endif
}

@compute @workgroup_size(${SIZE})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
#if PARAMETERS
  let group = wid.x + wid.y * groups.x;
  if (group >= params.row_groups) {
    sum_column((group - params.row_groups) * ${SIZE}u + local);
    return;
  }
#endif
  let assigned = start_row(wid.x + wid.y * groups.x, local);
  let valid = assigned < params.rows;
  let row = min(assigned, params.rows - 1u);
  let scale = rstd[params.stats_offset + row];
#if PREFIX && !NORMALISED
  let center = rstd[params.moments_offset + row];
  let rest = rstd[params.moments_offset + params.rows + row];
#elif CENTERED && !NORMALISED
  let center = moments[params.moments_offset + row];
  let rest = moments[params.moments_offset + params.rows + row];
#else
  let center = 0.0;
  let rest = 0.0;
#endif
  var sums = Value(0);
  var products = Value(0);
#if HELD
#for h in HELD
  let i${h} = lane + ${h}u * LANES;
#if PARTS
  if (valid) { form(row, i${h}); }
#endif
  let g${h} = weighted(row, i${h});
  let n${h} = normal_of(row, i${h}, center, rest, scale);
  sums += g${h};
  products += g${h} * n${h};
#endfor
#else
  for (var block = lane; block < params.width; block += BLOCK) {
    let stop = min(block + BLOCK, params.width);
    var part = Value(0);
    var product = Value(0);
    for (var i = block; i < stop; i += LANES) {
#if PARTS
      if (valid) { form(row, i); }
#endif
      let g = weighted(row, i);
      part += g;
      product += g * normal_of(row, i, center, rest, scale);
    }
    sums += part;
    products += product;
  }
#endif
#if CENTERED
  let average = row_sum(total(sums)) * params.per_element;
#else
  let average = 0.0;
#endif
  let projection = row_sum(total(products)) * params.per_element;
  if (!valid) { return; }
#if PREFIX
  if (row < params.prefix_rows) {
#if HELD
#for h in HELD
    dprefix[row * params.width + i${h}] = Result(scale * (g${h} - average - n${h} * projection));
#endfor
#else
    for (var i = lane; i < params.width; i += LANES) {
      let n = normal_of(row, i, center, rest, scale);
      dprefix[row * params.width + i] = Result(scale * (weighted(row, i) - average - n * projection));
    }
#endif
    return;
  }
  let x_row = row - params.prefix_rows;
#else
  let x_row = row;
#endif
  if (params.has_residual == 1u) {
    let residual = params.residual_offset + x_row * params.residual_stride;
#if HELD
#for h in HELD
    dx[x_row * params.width + i${h}] = Result(scale * (g${h} - average - n${h} * projection) + Value(residual_grad[residual + i${h}]));
#endfor
#else
    for (var i = lane; i < params.width; i += LANES) {
      let n = normal_of(row, i, center, rest, scale);
      let d = scale * (weighted(row, i) - average - n * projection);
      dx[x_row * params.width + i] = Result(d + Value(residual_grad[residual + i]));
    }
#endif
    return;
  }
#if HELD
#for h in HELD
  dx[x_row * params.width + i${h}] = Result(scale * (g${h} - average - n${h} * projection));
#endfor
#else
  for (var i = lane; i < params.width; i += LANES) {
    let n = normal_of(row, i, center, rest, scale);
    dx[x_row * params.width + i] = Result(scale * (weighted(row, i) - average - n * projection));
  }
#endif
}
