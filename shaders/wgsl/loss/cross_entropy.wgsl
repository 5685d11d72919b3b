// loss.cross_entropy: with z = scale * logits, p = softmax(z), t = (1 - s) onehot(label) + s / classes (s: label smoothing):
//   forward: losses[row] = -sum(t log p) and lse[row] = log sum exp z.
//   backward: dx = (p - t) * scale * grad[row] (/ counted[0] when the loss was a mean).
// One pipeline for both; bindings that only the other direction uses get any valid buffer and are not accessed.
// Layout: rows with a stride; labels (bits of i32 or u32), losses, lse, dx contiguous. Threads share rows as rows.wgsl says.
// Numerics: f32; minus infinity is probability 0. Label `ignored`: loss and gradient 0. A label outside the classes: NaN.
// Compile: T=f32 W=f32 V=4 ROWS=row | T=f32 W=f32 V=1 ROWS=workgroup | T=f16 W=f32 V=4 SG=on ROWS=subgroup
#include "rows.wgsl"
#include "softmax/row.wgsl"

struct Params {
  rows: u32,
  width: u32,
  classes: u32,
  x_offset: u32,
  x_stride: u32,
  labels_offset: u32,
  ignored: u32,
  not_a_number: u32, // its bits
  scale: f32,
  smoothing: f32,
  is_backward: u32,
  // Backward only:
  grad_offset: u32,
  grad_stride: u32, // 0 for a single cotangent
  is_mean: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Stored>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
@group(0) @binding(5) var<storage, read> counted: array<f32>;
@group(0) @binding(6) var<storage, read> grad: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<Stored>;

fn onehot(i: u32, label: u32) -> Value {
#if V == 4
  return select(Value(0.0), Value(1.0), vec4<u32>(4u * i) + vec4<u32>(0u, 1u, 2u, 3u) == vec4<u32>(label));
#else
  return select(0.0, 1.0, i == label);
#endif
}

fn forward(row: u32, valid: bool, first: u32, label: u32, nan: f32) {
  var lane_max = Value(-3.4028234e38);
  var largest_bits = 0u;
  for (var i = lane; i < params.width; i += LANES) {
    let v = Value(x[first + i]) * params.scale;
    lane_max = max(lane_max, v);
    largest_bits = max(largest_bits, magnitude_bits(v));
  }
  let m = row_max(highest(lane_max));
  let has_nan = row_max(f32(largest_bits > PLUS_INFINITY || highest(lane_max) > 3.4028234e38)) > 0.0;
  var sums = Value(0);
  var chosen = Value(0);
  var distances = Value(0);
  for (var block = lane; block < params.width; block += BLOCK) {
    let stop = min(block + BLOCK, params.width);
    var part = Value(0);
    var away = Value(0);
    for (var i = block; i < stop; i += LANES) {
      let v = Value(x[first + i]) * params.scale;
      part += exp_below(v, m);
      chosen += select(Value(0), m - v, onehot(i, label) == Value(1.0));
      away += m - v;
    }
    sums += part;
    distances += away;
  }
  let sum = row_sum(total(sums));
  let distance = row_sum(total(chosen));
  let average = row_sum(total(distances)) / f32(params.classes);
  if (!valid || lane != 0u) { return; }
  let log_sum = log(sum);
  var loss = log_sum + distance;
  if (params.smoothing > 0.0) { loss = log_sum + (1.0 - params.smoothing) * distance + params.smoothing * average; }
  let is_nan = has_nan || sum == 0.0;
  lse[row] = select(m + log_sum, nan, is_nan);
  if (label == params.ignored) { losses[row] = 0.0; } else { losses[row] = select(loss, nan, is_nan || label >= params.classes); }
}

fn backward(row: u32, first: u32, label: u32, nan: f32) {
  var factor = params.scale * grad[params.grad_offset + row * params.grad_stride];
  if (params.is_mean == 1u) { factor /= counted[0]; }
  if (label >= params.classes) { factor = nan; }
  let log_sum = lse[row];
  let is_nan = (bitcast<u32>(log_sum) & 0x7fffffffu) > PLUS_INFINITY;
  for (var i = lane; i < params.width; i += LANES) {
    let p = exp_below(Value(x[first + i]) * params.scale, log_sum);
    let wanted = (1.0 - params.smoothing) * onehot(i, label) + params.smoothing / f32(params.classes);
    var d = (p - wanted) * factor;
    if (is_nan) { d = Value(nan); }
    if (label == params.ignored) { d = Value(0.0); }
    dx[row * params.width + i] = Stored(d);
  }
}

@compute @workgroup_size(${SIZE})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let assigned = start_row(wid.x + wid.y * groups.x, local);
  let valid = assigned < params.rows;
  let row = min(assigned, params.rows - 1u);
  let first = params.x_offset + row * params.x_stride;
  let label = labels[params.labels_offset + row];
  let nan = bitcast<f32>(params.not_a_number);
  if (params.is_backward == 0u) {
    forward(row, valid, first, label, nan);
  } else if (valid) {
    backward(row, first, label, nan);
  }
}
