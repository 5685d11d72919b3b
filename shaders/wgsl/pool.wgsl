// pool: largest or mean value of windows of an image, and the gradients. One thread an output element; all loops in fixed order, no atomics.
//   MODE "max":          result[n,c,p,q] = largest of x[n, c, p s - pad + i d, q s - pad + j d]; places = its index h * W + w, the first of
//                        equals; NaN is larger than every number. Cells of the padding do not take part.
//   MODE "max_gradient": dx[n,c,h,w] = sum of grad over the windows that chose (h, w).
//   MODE "mean":         the mean; the padding counts as zeros if params.counts_padding, else it is left out of sum and count.
//   MODE "mean_gradient": its transpose.
// Layout: x (gradients: grad) strided [N, C, H, W], bound as x; places and result contiguous. f32 sums.
// Compile: T=f32 MODE=max | T=f32 MODE=max_gradient | T=f16 MODE=mean | T=f32 MODE=mean_gradient
#if T == "f16"
enable f16;
#endif

struct Params {
  count: u32,
  channels: u32,
  x_offset: u32,
  counts_padding: u32,
  x_strides: vec4<u32>,
  size: vec2<u32>, // of the image
  places: vec2<u32>, // windows down and across
  taps: vec2<u32>,
  stride: vec2<u32>,
  padding: vec2<u32>,
  dilation: vec2<u32>,
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

// How many cells of the window at `place` count for its mean.
fn cells_of(place: vec2<u32>) -> f32 {
  var cells = params.taps;
  if (params.counts_padding == 0u) {
    for (var axis = 0u; axis < 2u; axis++) {
      var inside = 0u;
      for (var tap = 0u; tap < params.taps[axis]; tap++) {
        let at = place[axis] * params.stride[axis] + tap * params.dilation[axis];
        if (at >= params.padding[axis] && at - params.padding[axis] < params.size[axis]) { inside++; }
      }
      cells[axis] = inside;
    }
  }
  return f32(cells.x * cells.y);
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
  for (var i = 0u; i < params.taps.x; i++) {
    let row = at.x * params.stride.x + i * params.dilation.x - params.padding.x;
    if (row >= params.size.x) { continue; } // above the image it wrapped around
    for (var j = 0u; j < params.taps.y; j++) {
      let column = at.y * params.stride.y + j * params.dilation.y - params.padding.y;
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
  for (var i = 0u; i < params.taps.x; i++) {
    let down = at.x + params.padding.x - i * params.dilation.x;
    let p = down / params.stride.x;
    if (down > at.x + params.padding.x || down % params.stride.x != 0u || p >= params.places.x) { continue; }
    for (var j = 0u; j < params.taps.y; j++) {
      let across = at.y + params.padding.y - j * params.dilation.y;
      let q = across / params.stride.y;
      if (across > at.y + params.padding.y || across % params.stride.y != 0u || q >= params.places.y) { continue; }
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
