// conv: two-dimensional convolution (cross-correlation, zero padding) by its defining sums, and windows as columns. One thread an output.
//   MODE "forward": y[n,o,p,q] = bias[o] + sum(x[n, g C' + c, p s - pad + i d, q s - pad + j d] * weight[o,c,i,j]), g the group of o.
//   MODE "input":   dx from grad (bound as y) and weight. MODE "weight": dweight from x and grad (bound as y). Each gathers its own terms, in
//                   a fixed order: no atomics.
//   MODE "unfold":  windows [N, L, C kh kw] from x, L = output places. MODE "fold": its transpose, x from windows (bound as y, any strides).
// Layout: x and y strided [N, C, H, W]; weight [O, C / groups, kh, kw] and every result contiguous. f32 sums.
// The sums are here for any groups, and to check the gemm variant by (conv.ts).
// Compile: T=f32 MODE=forward | T=f32 MODE=input | T=f16 MODE=weight | T=f32 MODE=unfold | T=f32 MODE=fold
#if T == "f16"
enable f16;
#endif

struct Params {
  count: u32,
  x_offset: u32,
  y_offset: u32,
  weight_offset: u32,
  x_strides: vec4<u32>,
  y_strides: vec4<u32>, // fold: image, place, tap
  size: vec2<u32>, // of x
  places: vec2<u32>, // of y
  taps: vec2<u32>,
  stride: vec2<u32>,
  padding: vec2<u32>,
  dilation: vec2<u32>,
  images: u32,
  channels: u32, // of x
  group_channels: u32,
  outputs: u32,
  group_outputs: u32,
  bias_offset: u32,
  has_bias: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
#if MODE != "input" && MODE != "fold"
@group(0) @binding(1) var<storage, read> x: array<${T}>;
#endif
#if MODE == "forward" || MODE == "input"
@group(0) @binding(2) var<storage, read> weight: array<${T}>;
#endif
#if MODE == "forward"
@group(0) @binding(3) var<storage, read> bias: array<${T}>;
#endif
#if MODE == "input" || MODE == "weight" || MODE == "fold"
@group(0) @binding(4) var<storage, read> y: array<${T}>;
#endif
@group(0) @binding(5) var<storage, read_write> result: array<${T}>;

fn dot4(index: vec4<u32>, strides: vec4<u32>) -> u32 {
  let products = index * strides;
  return products.x + products.y + products.z + products.w;
}

/// Splits a flat index over [.., b, c, d] from the back; the first part takes the rest.
fn split(index: u32, b: u32, c: u32, d: u32) -> vec4<u32> {
  let outer = index / d;
  let next = outer / c;
  return vec4<u32>(next / b, next % b, outer % c, index % d);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let thread = (wid.x + wid.y * groups.x) * 64u + local;
  if (thread >= params.count) { return; }
  var sum = 0.0;
#if MODE == "forward"
  let at = split(thread, params.outputs, params.places.x, params.places.y);
  let group = at.y / params.group_outputs;
  var tap = params.weight_offset + at.y * params.group_channels * params.taps.x * params.taps.y;
  if (params.has_bias == 1u) { sum = f32(bias[params.bias_offset + at.y]); }
  for (var c = 0u; c < params.group_channels; c++) {
    for (var i = 0u; i < params.taps.x; i++) {
      // Above the first row the subtraction wraps to a huge number: one comparison finds both sides of the padding.
      let row = at.z * params.stride.x + i * params.dilation.x - params.padding.x;
      for (var j = 0u; j < params.taps.y; j++) {
        let column = at.w * params.stride.y + j * params.dilation.y - params.padding.y;
        if (row < params.size.x && column < params.size.y) {
          let source = dot4(vec4<u32>(at.x, group * params.group_channels + c, row, column), params.x_strides);
          sum += f32(x[params.x_offset + source]) * f32(weight[tap]);
        }
        tap++;
      }
    }
  }
#elif MODE == "input" || MODE == "fold"
  let at = split(thread, params.channels, params.size.x, params.size.y);
#if MODE == "input"
  let group = at.y / params.group_channels;
  let channel = at.y % params.group_channels;
#endif
  for (var i = 0u; i < params.taps.x; i++) {
    let below = at.z + params.padding.x - i * params.dilation.x;
    let p = below / params.stride.x;
    // A tap above the padding wraps: then p is far outside.
    if (below % params.stride.x != 0u || p >= params.places.x) { continue; }
    for (var j = 0u; j < params.taps.y; j++) {
      let right = at.w + params.padding.y - j * params.dilation.y;
      let q = right / params.stride.y;
      if (right % params.stride.y != 0u || q >= params.places.y) { continue; }
#if MODE == "fold"
      let tap = (at.y * params.taps.x + i) * params.taps.y + j;
      sum += f32(y[params.y_offset + dot4(vec4<u32>(at.x, p * params.places.y + q, tap, 0u), params.y_strides)]);
#else
      for (var o = 0u; o < params.group_outputs; o++) {
        let output = group * params.group_outputs + o;
        let tap = ((output * params.group_channels + channel) * params.taps.x + i) * params.taps.y + j;
        sum += f32(y[params.y_offset + dot4(vec4<u32>(at.x, output, p, q), params.y_strides)]) * f32(weight[params.weight_offset + tap]);
      }
#endif
    }
  }
#elif MODE == "weight"
  let at = split(thread, params.group_channels, params.taps.x, params.taps.y);
  let channel = at.x / params.group_outputs * params.group_channels + at.y;
  // Rows are summed apart, and images: so that no term is lost to rounding in the sum of all.
  for (var n = 0u; n < params.images; n++) {
    var whole = 0.0;
    for (var p = 0u; p < params.places.x; p++) {
      let row = p * params.stride.x + at.z * params.dilation.x - params.padding.x;
      if (row >= params.size.x) { continue; }
      var part = 0.0;
      for (var q = 0u; q < params.places.y; q++) {
        let column = q * params.stride.y + at.w * params.dilation.y - params.padding.y;
        if (column >= params.size.y) { continue; }
        let source = dot4(vec4<u32>(n, channel, row, column), params.x_strides);
        part += f32(x[params.x_offset + source]) * f32(y[params.y_offset + dot4(vec4<u32>(n, at.x, p, q), params.y_strides)]);
      }
      whole += part;
    }
    sum += whole;
  }
#else
  let taps = params.taps.x * params.taps.y;
  let at = split(thread, params.places.x * params.places.y, params.channels, taps);
  let row = at.y / params.places.y * params.stride.x + at.w / params.taps.y * params.dilation.x - params.padding.x;
  let column = at.y % params.places.y * params.stride.y + at.w % params.taps.y * params.dilation.y - params.padding.y;
  if (row < params.size.x && column < params.size.y) {
    sum = f32(x[params.x_offset + dot4(vec4<u32>(at.x, at.z, row, column), params.x_strides)]);
  }
#endif
  result[thread] = ${T}(sum);
}
