// pixels_write: 8-bit RGBA pixels from channels in 0..1, one thread a pixel: round(255 * value), values outside clipped.
// Layout: x is any view, its first element at `offset`; a word holds a pixel, red in its lowest byte; rows begin every `row_words` words.
// CHANNELS: 4 RGBA, 3 RGB, 1 grey. PREMULTIPLY: colours are multiplied by alpha before they are rounded, as a canvas wants them.
// Compile: CHANNELS=3 PREMULTIPLY=0 | CHANNELS=4 PREMULTIPLY=1 | CHANNELS=1 PREMULTIPLY=0
struct Params {
  count: u32,
  width: u32,
  row_words: u32,
  offset: u32,
  row_stride: u32,
  column_stride: u32,
  channel_stride: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> pixels: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let pixel = (wid.x + wid.y * groups.x) * 64u + local;
  if (pixel >= params.count) { return; }
  let row = pixel / params.width;
  let column = pixel % params.width;
  let first = params.offset + row * params.row_stride + column * params.column_stride;
#if CHANNELS == 1
  var value = vec4<f32>(vec3<f32>(x[first]), 1.0);
#else
  var value = vec4<f32>(1.0);
  for (var c = 0u; c < ${CHANNELS}u; c += 1u) { value[c] = x[first + c * params.channel_stride]; }
#endif
  value = clamp(value, vec4<f32>(0.0), vec4<f32>(1.0));
#if PREMULTIPLY == 1
  value = vec4<f32>(value.rgb * value.a, value.a);
#endif
  let bytes = vec4<u32>(value * 255.0 + 0.5);
  pixels[row * params.row_words + column] = bytes.r | (bytes.g << 8u) | (bytes.b << 16u) | (bytes.a << 24u);
}
