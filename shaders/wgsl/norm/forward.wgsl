// norm: layer norm (CENTERED 1) and RMS norm (CENTERED 0) over the last axis.
//   out = (x - mean) * rstd * weight + bias, rstd = 1 / sqrt(mean((x - mean)^2) + eps); RMS norm has mean 0.
// Layout: rows [rows, width] with a row stride; out, sum, rstd contiguous; moments [3, rows]: means, what their rounding left, variances. Threads share
// rows as rows.wgsl says.
// Numerics: f32 sums, the mean subtracted before squares are summed; a large mean is a sum of two numbers, beyond its own rounding.
// ADD 1: sum = x + residual is stored and normalized.
// O is the type of out, which may be narrower than that of x. A missing weight or bias is bound to any buffer and its flag is 0.
// PREFIX 1 (with CENTERED 1, ADD 0): the rows of `prefix` come before those of x, in one result; means and what their rounding left lie after all rstd in that buffer.
// NORMALISED 1: rows before weight and bias are stored too, of type O, for a backward that then reads them in place of x.
// PARTS 1 (with T f32, CENTERED 1, ADD 0): x is the result of a split product (gemm/reduce.wgsl), contiguous, and is formed here: the sum of its parts in their order,
// plus bias, plus residual. A missing one is bound to any buffer and its flag is 0.
// HELD (of rows.wgsl): values of a row that a lane keeps in registers, so that it loads them once; 0: it loads them in each pass.
// Compile: T=f32 O=f32 W=f32 V=4 ROWS=row CENTERED=1 ADD=1 PREFIX=0 NORMALISED=0 PARTS=0 HELD=0 | T=f32 O=f32 W=f32 V=1 ROWS=workgroup CENTERED=0 ADD=0 PREFIX=0 NORMALISED=0 PARTS=0 HELD=0 | T=f16 O=f16 W=f16 V=4 SG=on ROWS=subgroup CENTERED=1 ADD=0 PREFIX=0 NORMALISED=0 PARTS=0 HELD=0 | T=f32 O=f16 W=f32 V=4 ROWS=row CENTERED=1 ADD=0 PREFIX=1 NORMALISED=1 PARTS=0 HELD=0 | T=f32 O=f32 W=f32 V=4 ROWS=workgroup CENTERED=1 ADD=0 PREFIX=1 NORMALISED=0 PARTS=1 BUFFERS=9 HELD=0 | T=f32 O=f32 W=f32 V=4 SG=on ROWS=subgroup CENTERED=1 ADD=0 PREFIX=0 NORMALISED=0 PARTS=1 HELD=2 BUFFERS=9
#if O == "f16" && T != "f16" && W != "f16"
enable f16;
#endif
#include "rows.wgsl"

#if V == 4
alias Result = vec4<${O}>;
#else
alias Result = ${O};
#endif

struct Params {
  rows: u32,
  width: u32,
  x_offset: u32,
  x_stride: u32,
  weight_offset: u32,
  bias_offset: u32,
  has_weight: u32,
  has_bias: u32,
  eps: f32,
  per_element: f32, // 1 / elements of a row
#if ADD
  residual_offset: u32,
  residual_stride: u32,
#endif
#if PREFIX
  prefix_rows: u32,
  prefix_offset: u32,
  prefix_stride: u32,
#endif
#if PARTS
  parts: u32,
  part_size: u32,
  part_bias_offset: u32,
  part_residual_offset: u32,
  has_part_bias: u32,
  has_part_residual: u32,
#endif
}

@group(0) @binding(0) var<storage, ${PARTS ? "read_write" : "read"}> x: array<Stored>;
@group(0) @binding(1) var<storage, read> weight: array<StoredWeight>;
@group(0) @binding(2) var<storage, read> bias: array<StoredWeight>;
@group(0) @binding(3) var<storage, read_write> out: array<Result>;
#if CENTERED && !PREFIX
@group(0) @binding(4) var<storage, read_write> moments: array<f32>;
#endif
@group(0) @binding(5) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;
#if ADD
@group(0) @binding(7) var<storage, read> residual: array<Stored>;
@group(0) @binding(8) var<storage, read_write> sum: array<Stored>;
#endif
#if PREFIX
@group(0) @binding(9) var<storage, read> prefix: array<Stored>;
#endif
#if NORMALISED
@group(0) @binding(10) var<storage, read_write> normalised: array<Result>;
#endif
#if PARTS
@group(0) @binding(11) var<storage, read> partial: array<Stored>;
@group(0) @binding(12) var<storage, read> part_bias: array<Stored>;
@group(0) @binding(13) var<storage, read> part_residual: array<Stored>;
#endif

#if ADD && T == "f16"
#include "half.wgsl"
#endif
#if ADD
/// v as it will be stored.
fn rounded(v: Value) -> Value {
#if T == "f16" && V == 4
  return vec4<f32>(half_round(v.x), half_round(v.y), half_round(v.z), half_round(v.w));
#elif T == "f16"
  return half_round(v);
#else
  return v;
#endif
}
#endif

/// Element i of a row; with ADD rounded to the stored type, as a separate addition would leave it.
fn value(row: u32, i: u32) -> Value {
#if PREFIX
  if (row < params.prefix_rows) { return Value(prefix[params.prefix_offset + row * params.prefix_stride + i]); }
  return Value(x[params.x_offset + (row - params.prefix_rows) * params.x_stride + i]);
#else
  let element = Value(x[params.x_offset + row * params.x_stride + i]);
#if ADD
  return rounded(element + Value(residual[params.residual_offset + row * params.residual_stride + i]));
#else
  return element;
#endif
#endif
}

#if PARTS
/// Element i of row `row` of x, from its parts; it is stored. Before the barrier in main only this invocation reads it.
fn formed(row: u32, i: u32) -> Value {
  let at = row * params.x_stride + i;
  var sum = Value(0);
  for (var part = 0u; part < params.parts; part++) { sum += partial[part * params.part_size + at]; }
  if (params.has_part_bias == 1u) { sum += part_bias[params.part_bias_offset + i]; }
  if (params.has_part_residual == 1u) { sum += part_residual[params.part_residual_offset + at]; }
  x[at] = sum;
  return sum;
}
#endif

/// Normalises element i, v, of a row whose first element lies at y.
fn finish(y: u32, i: u32, v: Value, center: f32, rest: f32, scale: f32) {
#if ADD
  sum[y + i] = Stored(v);
#endif
  var normal = ((v - center) - rest) * scale;
#if NORMALISED
  normalised[y + i] = Result(normal);
#endif
  if (params.has_weight == 1u) { normal *= Value(weight[params.weight_offset + i]); }
  if (params.has_bias == 1u) { normal += Value(bias[params.bias_offset + i]); }
  out[y + i] = Result(normal);
}

@compute @workgroup_size(${SIZE})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let assigned = start_row(wid.x + wid.y * groups.x, local);
  let valid = assigned < params.rows;
  let row = min(assigned, params.rows - 1u);
  let y = row * params.width;
  var center = 0.0;
#if PARTS && PREFIX
  let x_row = row - params.prefix_rows;
  let is_formed = valid && row >= params.prefix_rows;
#elif PARTS
  let x_row = row;
  let is_formed = valid;
#endif
#for h in HELD
#if PARTS
  var held${h}: Value;
  if (is_formed) { held${h} = formed(x_row, lane + ${h}u * LANES); } else { held${h} = value(row, lane + ${h}u * LANES); }
#else
  let held${h} = value(row, lane + ${h}u * LANES);
#endif
#endfor
#if CENTERED
  var sums = Value(0);
#if HELD
#for h in HELD
  sums += held${h};
#endfor
#elif PARTS
  for (var i = lane; i < params.width; i += LANES) {
    if (is_formed) { sums += formed(x_row, i); } else { sums += value(row, i); }
  }
#else
  for (var i = lane; i < params.width; i += LANES) { sums += value(row, i); }
#endif
  // Without its last bit: adapters that fuse this product into `value - center` would measure from a mean that is not rounded.
  center = bitcast<f32>(bitcast<u32>(row_sum(total(sums)) * params.per_element) & 0xfffffffeu);
#endif
  var squares = Value(0);
#if HELD
#for h in HELD
  squares += (held${h} - center) * (held${h} - center);
#endfor
#else
  for (var block = lane; block < params.width; block += BLOCK) {
    let stop = min(block + BLOCK, params.width);
    var square = Value(0);
    for (var i = block; i < stop; i += LANES) {
      let d = value(row, i) - center;
      square += d * d;
    }
    squares += square;
  }
#endif
  var variance = row_sum(total(squares)) * params.per_element;
#if CENTERED
  // A large mean has a visible rounding error: it is corrected by the mean of the differences. Other rows skip this pass. Of a mean that is many times the
  // deviation the error may be as large as that: differences and squares are then taken from an element.
  let squared = center * center;
  let again = select(0u, params.width, squared > variance);
  let is_far = squared > 256.0 * variance;
#if PARTS
  // The row's first element may have been formed by another invocation.
  storageBarrier();
#endif
  let origin = select(0.0, highest(value(row, 0u)) - center, is_far);
  var residues = Value(0);
  var residue_squares = Value(0);
#if HELD
  if (again > 0u) {
#for h in HELD
    let residue${h} = (held${h} - center) - origin;
    residues += residue${h};
    residue_squares += residue${h} * residue${h};
#endfor
  }
#else
  for (var i = lane; i < again; i += LANES) {
    let residue = (value(row, i) - center) - origin;
    residues += residue;
    residue_squares += residue * residue;
  }
#endif
  let residue_mean = row_sum(total(residues)) * params.per_element;
  let correction = origin + residue_mean;
  let far_variance = row_sum(total(residue_squares)) * params.per_element - residue_mean * residue_mean;
  variance = max(select(variance - correction * correction, far_variance, is_far), 0.0);
  // What the corrected mean of such a row loses is kept, too, unless all elements are equal. Again without the last bit: adapters that simplify
  // (center + correction) - center would find that nothing is lost.
  let keeps_rest = is_far && variance > 0.0;
  let cut = bitcast<f32>(bitcast<u32>(center + correction) & 0xfffffffeu);
  let rest = select(0.0, correction - (cut - center), keeps_rest);
  center = select(center + correction, cut, keeps_rest);
#else
  let rest = 0.0;
#endif
  let scale = 1.0 / sqrt(variance + params.eps);
  if (!valid) { return; }
#if HELD
#for h in HELD
  finish(y, lane + ${h}u * LANES, held${h}, center, rest, scale);
#endfor
#else
  for (var i = lane; i < params.width; i += LANES) { finish(y, i, value(row, i), center, rest, scale); }
#endif
  if (lane == 0u) {
#if PREFIX
    rstd[params.rows + row] = center;
    rstd[2u * params.rows + row] = rest;
#elif CENTERED
    moments[row] = center;
    moments[params.rows + row] = rest;
    moments[2u * params.rows + row] = variance;
#endif
    rstd[row] = scale;
  }
}
