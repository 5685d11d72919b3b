// fft: y[line, k] = scale * sum over j of x[line, j] * exp(sign * 2 pi i j k / length) for a power of two up to N, lines contiguous; one workgroup a line,
// Stockham's radix-2 passes in workgroup memory, between its two halves. With params.period, y[line, k] is also multiplied by
// exp(sign * 2 pi i (line mod columns) k / period), what joins two transforms to one of period = length * columns.
// Angles are fractions of whole numbers, split at quadrants exactly, so that roots of unity are as exact as f32 has them.
// Without params.has_im x has no imaginary part, and x_im is not read.
// Compile: N=128 | N=1024
struct Params {
  lines: u32,
  length: u32,
  sign: f32,
  scale: f32,
  period: u32,
  columns: u32,
  re_offset: u32,
  im_offset: u32,
  has_im: u32,
}
@group(0) @binding(0) var<storage, read> x_re: array<f32>;
@group(0) @binding(1) var<storage, read> x_im: array<f32>;
@group(0) @binding(2) var<storage, read_write> y_re: array<f32>;
@group(0) @binding(3) var<storage, read_write> y_im: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;
#include "math.base.wgsl"
#include "math.angle.wgsl"
var<workgroup> halves: array<vec2<f32>, ${2 * N}>;

// exp(sign * 2 pi i p / n) for p < n < 2^29.
fn root(p: u32, n: u32) -> vec2<f32> {
  let quadrant = (8u * p + n) / (2u * n);
  let rest = i32(4u * p) - i32(quadrant * n);
  let angle = math_Angle(f32(rest) / f32(n) * 1.5707963267948966, i32(quadrant));
  return vec2<f32>(math_sin_of_angle(angle, 1), params.sign * math_sin_of_angle(angle, 0));
}
fn times(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> { return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = wid.x + wid.y * groups.x;
  let line = min(group, params.lines - 1u);
  let n = params.length;
  let base = line * n;
  for (var i = local; i < n; i += 64u) {
    halves[i] = vec2<f32>(x_re[params.re_offset + base + i], 0.0);
    if (params.has_im != 0u) { halves[i].y = x_im[params.im_offset + base + i]; }
  }
  workgroupBarrier();
  var source = 0u;
  for (var span = 1u; span < n; span = span * 2u) {
    let target_half = ${N}u - source;
    for (var t = local; t < n / 2u; t += 64u) {
      let k = t % span;
      let a = halves[source + t];
      let b = times(halves[source + t + n / 2u], root(k, 2u * span));
      let place = target_half + (t - k) * 2u + k;
      halves[place] = a + b;
      halves[place + span] = a - b;
    }
    workgroupBarrier();
    source = target_half;
  }
  for (var k = local; k < n && group < params.lines; k += 64u) {
    var value = params.scale * halves[source + k];
    if (params.period != 0u) { value = times(value, root(line % params.columns * k, params.period)); }
    y_re[base + k] = value.x;
    y_im[base + k] = value.y;
  }
}
