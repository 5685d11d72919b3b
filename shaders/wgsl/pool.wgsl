// pool: largest or mean value of windows of an image, and the gradients. One thread an output element; all loops in fixed order, no atomics.
//   MODE "max":          result[n,c,p,q] = largest of x[n, c, p s - pad + i d, q s - pad + j d]; places = its index h * W + w, the first of
//                        equals; NaN is larger than every number. Cells of the padding do not take part.
//   MODE "max_gradient": dx[n,c,h,w] = sum of grad over the windows that chose (h, w).
//   MODE "mean":         the mean of the cells from params.counted_from to params.counted_to, positions in the padded image; those of the padding are 0.
//   MODE "mean_gradient": its transpose.
// With params.adaptive window p of P has the cells from floor(p S / P) to ceil((p + 1) S / P) - 1 of S, whatever stride, taps and padding say.
// Layout: x (gradients: grad) strided [N, C, H, W], bound as x; places and result contiguous. f32 sums.
// Compile: T=f32 MODE=max | T=f32 MODE=max_gradient | T=f16 MODE=mean | T=f32 MODE=mean_gradient
#if T == "f16"
enable f16;
#endif

struct Params {
  count: u32,
  channels: u32,
  x_offset: u32,
  adaptive: u32,
  x_strides: vec4<u32>,
  size: vec2<u32>, // of the image
  places: vec2<u32>, // windows down and across
  taps: vec2<u32>,
  stride: vec2<u32>,
  padding: vec2<u32>,
  dilation: vec2<u32>,
  counted_from: vec2<u32>,
  counted_to: vec2<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<${T}>;
@group(0) @binding(2) var<storage, read_write> result: array<${T}>;
#if MODE == "max"
@group(0) @binding(3) var<storage, read_write> chosen: array<u32>;
#elif MODE == "max_gradient"
@group(0) @binding(3) var<storage, read> chosen: array<u32>;
#endif

fn is_nan(value: f32) -> bool { return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u; }

/// Cells of a window along one axis: the first (above the image it wraps around to a huge number), how many, and how far apart.
struct Window {
  first: u32,
  cells: u32,
  step: u32,
}

fn window_at(place: u32, axis: u32) -> Window {
  if (params.adaptive != 0u) {
    let first = place * params.size[axis] / params.places[axis];
    let end = ((place + 1u) * params.size[axis] + params.places[axis] - 1u) / params.places[axis];
    return Window(first, end - first, 1u);
  }
  return Window(place * params.stride[axis] - params.padding[axis], params.taps[axis], params.dilation[axis]);
}

/// The number of steps of `step` from `start` before `end` is reached.
fn steps_to(start: u32, end: u32, step: u32) -> u32 {
  return select(0u, (end - start + step - 1u) / step, end > start);
}

/// How many cells of the window at `place` count for its mean, at least 1.
fn cells_of(place: vec2<u32>) -> f32 {
  var cells = vec2<u32>(1u);
  for (var axis = 0u; axis < 2u; axis++) {
    let window = window_at(place[axis], axis);
    let start = window.first + params.padding[axis];
    let skipped = steps_to(start, params.counted_from[axis], window.step);
    let reached = min(window.cells, steps_to(start, params.counted_to[axis], window.step));
    cells[axis] = max(1u, reached - min(skipped, reached));
  }
  return f32(cells.x * cells.y);
}

/// Candidates for windows over a cell of an axis; number `which` is at the place that window_over gives, any that is not below params.places is none.
fn windows_over(cell: u32, axis: u32) -> u32 {
  if (params.adaptive == 0u) { return params.taps[axis]; }
  return ((cell + 1u) * params.places[axis] + params.size[axis] - 1u) / params.size[axis] - cell * params.places[axis] / params.size[axis];
}

fn window_over(cell: u32, axis: u32, which: u32) -> u32 {
  if (params.adaptive != 0u) {
    return ((cell + 1u) * params.places[axis] + params.size[axis] - 1u) / params.size[axis] - 1u - which;
  }
  let padded = cell + params.padding[axis];
  let start = padded - which * params.dilation[axis];
  if (start > padded || start % params.stride[axis] != 0u) { return 0xffffffffu; }
  return start / params.stride[axis];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count) { return; }
#if MODE == "max" || MODE == "mean"
  let extent = params.places;
#else
  let extent = params.size;
#endif
  let at = vec2<u32>(index / extent.y % extent.x, index % extent.y);
  let plane = index / extent.y / extent.x;
  let base = params.x_offset + plane / params.channels * params.x_strides.x + plane % params.channels * params.x_strides.y;
  var sum = 0.0;
#if MODE == "max" || MODE == "mean"
  var best = 0xffffffffu;
  let down = window_at(at.x, 0u);
  let across = window_at(at.y, 1u);
  for (var i = 0u; i < down.cells; i++) {
    let row = down.first + i * down.step;
    if (row >= params.size.x) { continue; } // above the image it wrapped around
    for (var j = 0u; j < across.cells; j++) {
      let column = across.first + j * across.step;
      if (column >= params.size.y) { continue; }
      let value = f32(x[base + row * params.x_strides.z + column * params.x_strides.w]);
#if MODE == "max"
      let is_better = best == 0xffffffffu || value > sum || is_nan(value);
      if (is_better && !is_nan(sum)) {
        sum = value;
        best = row * params.size.y + column;
      }
#else
      sum += value;
#endif
    }
  }
#if MODE == "max"
  chosen[index] = best;
  result[index] = ${T}(sum);
#else
  result[index] = ${T}(sum / cells_of(at));
#endif
#else
  // The windows over this cell, from the tap that covers it.
  for (var i = 0u; i < windows_over(at.x, 0u); i++) {
    let p = window_over(at.x, 0u, i);
    if (p >= params.places.x) { continue; }
    for (var j = 0u; j < windows_over(at.y, 1u); j++) {
      let q = window_over(at.y, 1u, j);
      if (q >= params.places.y) { continue; }
      let value = f32(x[base + p * params.x_strides.z + q * params.x_strides.w]);
#if MODE == "max_gradient"
      if (chosen[(plane * params.places.x + p) * params.places.y + q] == at.x * params.size.y + at.y) { sum += value; }
#else
      sum += value / cells_of(vec2<u32>(p, q));
#endif
    }
  }
  result[index] = ${T}(sum);
#endif
}
