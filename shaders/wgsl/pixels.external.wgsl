// pixels_external: packs a frame of a video, bound as it lies in the decoder's memory, into 8-bit RGBA words; one thread a pixel.
// Layout: a word holds a pixel, red in its lowest byte, rows of size.x words. A frame of other than the wanted size is read at the nearest pixel.
// Numerics: colours as the texture gives them (sRGB, not multiplied by alpha), to the nearest byte.
// Compile: EXTERNAL=on
@group(0) @binding(0) var frame: texture_external;
@group(0) @binding(1) var<storage, read_write> pixels: array<u32>;
@group(0) @binding(2) var<uniform> size: vec2<u32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (any(id.xy >= size)) { return; }
  let given = textureDimensions(frame);
  let at = min((id.xy * 2u + 1u) * given / (size * 2u), given - 1u);
  pixels[id.y * size.x + id.x] = pack4x8unorm(textureLoad(frame, at));
}
