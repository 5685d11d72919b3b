// loss.kl: Kullback-Leibler divergence of rows, from logits: p = softmax(x), q = softmax(wanted).
//   MODE "forward": losses[row] = sum(q (log q - log p)); lse[2 row], lse[2 row + 1] = log sum exp of x and of wanted.
//   MODE "backward": dx = (p - q) * grad[0] * factor.
// Layout: rows with a stride; losses, lse, dx contiguous. Threads share rows as rows.wgsl says. f32; where q is 0 nothing is added.
// A row of x or wanted that holds NaN or plus infinity, or nothing but minus infinity, is NaN, forward and backward.
// Compile: T=f32 W=f32 V=4 ROWS=row MODE=forward | T=f32 W=f32 V=1 ROWS=workgroup MODE=backward | T=f16 W=f32 V=4 SG=on ROWS=subgroup MODE=forward
#include "rows.wgsl"
#include "softmax/row.wgsl"

struct Params {
  rows: u32,
  width: u32,
  x_offset: u32,
  x_stride: u32,
  wanted_offset: u32,
  wanted_stride: u32,
  not_a_number: u32, // its bits
#if MODE == "backward"
  grad_offset: u32,
  factor: f32,
#endif
}

@group(0) @binding(0) var<storage, read> x: array<Stored>;
@group(0) @binding(1) var<storage, read> wanted: array<Stored>;
@group(0) @binding(2) var<uniform> params: Params;
#if MODE == "forward"
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
#else
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> grad: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<Stored>;
#endif

@compute @workgroup_size(${SIZE})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let assigned = start_row(wid.x + wid.y * groups.x, local);
  let valid = assigned < params.rows;
  let row = min(assigned, params.rows - 1u);
  let first = params.x_offset + row * params.x_stride;
  let first_wanted = params.wanted_offset + row * params.wanted_stride;
#if MODE == "forward"
  var lane_max = Value(-3.4028234e38);
  var lane_max_wanted = Value(-3.4028234e38);
  var largest_bits = 0u;
  for (var i = lane; i < params.width; i += LANES) {
    let v = Value(x[first + i]);
    let w = Value(wanted[first_wanted + i]);
    lane_max = max(lane_max, v);
    lane_max_wanted = max(lane_max_wanted, w);
    largest_bits = max(largest_bits, max(magnitude_bits(v), magnitude_bits(w)));
  }
  let infinite = max(highest(lane_max), highest(lane_max_wanted)) > 3.4028234e38;
  let has_nan = row_max(f32(largest_bits > PLUS_INFINITY || infinite)) > 0.0;
  let m = row_max(highest(lane_max));
  let m_wanted = row_max(highest(lane_max_wanted));
  var sums = Value(0);
  var sums_wanted = Value(0);
  for (var block = lane; block < params.width; block += BLOCK) {
    let stop = min(block + BLOCK, params.width);
    var part = Value(0);
    var part_wanted = Value(0);
    for (var i = block; i < stop; i += LANES) {
      part += exp_below(Value(x[first + i]), m);
      part_wanted += exp_below(Value(wanted[first_wanted + i]), m_wanted);
    }
    sums += part;
    sums_wanted += part_wanted;
  }
  let sum = row_sum(total(sums));
  let sum_wanted = row_sum(total(sums_wanted));
  let log_sum = log(sum);
  let log_sum_wanted = log(sum_wanted);
  var terms = Value(0);
  for (var block = lane; block < params.width; block += BLOCK) {
    let stop = min(block + BLOCK, params.width);
    var part = Value(0);
    for (var i = block; i < stop; i += LANES) {
      let log_q = (Value(wanted[first_wanted + i]) - m_wanted) - log_sum_wanted;
      let log_p = (Value(x[first + i]) - m) - log_sum;
      let q = exp_below(log_q, 0.0);
      part += select(q * (log_q - log_p), Value(0.0), q == Value(0.0));
    }
    terms += part;
  }
  let loss = row_sum(total(terms));
  if (!valid || lane != 0u) { return; }
  let nan = bitcast<f32>(params.not_a_number);
  let is_nan = has_nan || sum == 0.0 || sum_wanted == 0.0;
  losses[row] = select(loss, nan, is_nan);
  lse[2u * row] = select(m + log_sum, nan, is_nan);
  lse[2u * row + 1u] = select(m_wanted + log_sum_wanted, nan, is_nan);
#else
  if (!valid) { return; }
  let is_nan = (bitcast<u32>(lse[2u * row]) & 0x7fffffffu) > PLUS_INFINITY;
  let factor = select(params.factor * grad[params.grad_offset], bitcast<f32>(params.not_a_number), is_nan);
  for (var i = lane; i < params.width; i += LANES) {
    let p = exp_below(Value(x[first + i]), lse[2u * row]);
    let q = exp_below(Value(wanted[first_wanted + i]), lse[2u * row + 1u]);
    dx[row * params.width + i] = Stored((p - q) * factor);
  }
#endif
}
