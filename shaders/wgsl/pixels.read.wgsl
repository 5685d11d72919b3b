// pixels_read: y = the channels of 8-bit RGBA pixels as (byte / 255 - mean) * scale, one thread a pixel.
// Layout: a word holds a pixel, red in its lowest byte; rows begin every `row_words` words. y is contiguous, channels last or first as the steps say.
// CHANNELS: 4 RGBA, 3 RGB, 1 grey by the weights of ITU-R BT.601 (0.299, 0.587, 0.114).
// Numerics: byte / 255 is rounded correctly: the product with HIGH, 16 bits of 1/255, is exact, and the rest is added with one rounding.
// Compile: CHANNELS=3 | CHANNELS=1
struct Params {
  count: u32,
  width: u32,
  row_words: u32,
  pixel_step: u32,
  channel_step: u32,
  mean: vec4<f32>,
  scale: vec4<f32>,
}

@group(0) @binding(0) var<storage, read> pixels: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

const HIGH = 32896.0 / 8388608.0;
const LOW = 1.0 / 255.0 - HIGH;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let pixel = (wid.x + wid.y * groups.x) * 64u + local;
  if (pixel >= params.count) { return; }
  let word = pixels[(pixel / params.width) * params.row_words + pixel % params.width];
  let bytes = vec4<u32>(word, word >> 8u, word >> 16u, word >> 24u) & vec4<u32>(255u);
  let first = pixel * params.pixel_step;
#if CHANNELS == 1
  let thousandths = dot(bytes.rgb, vec3<u32>(299u, 587u, 114u));
  let whole = f32(thousandths / 1000u);
  let value = whole * HIGH + (whole * LOW + f32(thousandths % 1000u) / 255000.0);
  y[first] = (value - params.mean.x) * params.scale.x;
#else
  let values = (vec4<f32>(bytes) * HIGH + vec4<f32>(bytes) * LOW - params.mean) * params.scale;
  for (var c = 0u; c < ${CHANNELS}u; c += 1u) { y[first + c * params.channel_step] = values[c]; }
#endif
}
