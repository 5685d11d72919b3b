// augment: drawings, each by its record of numbers, as rows of patches that an image tower reads.
//
// drawings: [images, side * side] words. Of a coverage drawing, 4 pixels a word from the lowest byte on, in the first quarter of its words;
// of an RGBA drawing (not premultiplied), one pixel a word, red lowest. is_rgba: [images].
// records: [images, 28]: affine 6, foreground 3, ground 3, recolour 12, gains 3, lift 1.
// patches: [images, kept] places of patches, row by row. y: [images, kept, 3, PATCH, PATCH], normalised as CLIP's images are.
//
// A thread makes a pixel. Where the drawing shrinks, it takes the mean of n x n bilinear samples, n the nearest whole number to the
// shrinkage and 4 at most; there is nothing outside the drawing. Means are weighed with alpha, f32.
// Compile: PATCH=16 | PATCH=8

struct Params {
  images: u32,
  kept: u32,
  across: u32,
  side: u32,
}

const RECORD = 28u;
const MEAN = vec3<f32>(0.48145466, 0.4578275, 0.40821073);
const STD = vec3<f32>(0.26862954, 0.26130258, 0.27577711);

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> drawings: array<u32>;
@group(0) @binding(2) var<storage, read> is_rgba: array<i32>;
@group(0) @binding(3) var<storage, read> records: array<f32>;
@group(0) @binding(4) var<storage, read> patches: array<i32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

fn number(image: u32, index: u32) -> f32 { return records[image * RECORD + index]; }

fn colour(image: u32, index: u32) -> vec3<f32> {
  return vec3<f32>(number(image, index), number(image, index + 1u), number(image, index + 2u));
}

// Colour, multiplied with alpha, and alpha of a pixel of an RGBA drawing; (0, 0, 0, coverage) of another.
fn pixel(start: u32, place: u32, rgba: bool) -> vec4<f32> {
  if (rgba) {
    let value = unpack4x8unorm(drawings[start + place]);
    return vec4<f32>(value.xyz * value.w, value.w);
  }
  return vec4<f32>(0, 0, 0, f32(extractBits(drawings[start + place / 4u], 8u * (place % 4u), 8u)) / 255.0);
}

// Bilinear sample at (u, v), in pixels from the centre of the first one.
fn sample(start: u32, rgba: bool, u: f32, v: f32) -> vec4<f32> {
  let side = f32(params.side);
  var sum = vec4<f32>(0);
  if (u <= -1.0 || v <= -1.0 || u >= side || v >= side) { return sum; }
  let left = floor(u);
  let top = floor(v);
  for (var corner = 0u; corner < 4u; corner++) {
    let px = left + f32(corner & 1u);
    let py = top + f32(corner >> 1u);
    if (px < 0.0 || py < 0.0 || px >= side || py >= side) { continue; }
    let weight = (1.0 - abs(u - px)) * (1.0 - abs(v - py));
    sum += weight * pixel(start, u32(py) * params.side + u32(px), rgba);
  }
  return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + lane;
  let area = ${PATCH * PATCH}u;
  if (index >= params.images * params.kept * area) { return; }
  let within = index % area;
  let window = index / area;
  let image = window / params.kept;
  let patch_place = u32(patches[window]);
  let column = (patch_place % params.across) * ${PATCH}u + within % ${PATCH}u;
  let row = (patch_place / params.across) * ${PATCH}u + within / ${PATCH}u;
  let size = f32(params.across * ${PATCH}u);
  // (u, v) = (x, y) turned by the record's affine, in pixels of the drawing, without the offset.
  let half_side = f32(params.side) * 0.5;
  let along_x = vec2<f32>(number(image, 0u), number(image, 3u)) * half_side;
  let along_y = vec2<f32>(number(image, 1u), number(image, 4u)) * half_side;
  let shift = (vec2<f32>(number(image, 2u), number(image, 5u)) + 1.0) * half_side - 0.5;
  let count = u32(clamp(floor(max(length(along_x), length(along_y)) * 2.0 / size + 0.5), 1.0, 4.0));
  let start = image * params.side * params.side;
  let rgba = is_rgba[image] != 0;
  var sum = vec4<f32>(0);
  for (var tap = 0u; tap < count * count; tap++) {
    let x = (f32(column) + (f32(tap % count) + 0.5) / f32(count)) * 2.0 / size - 1.0;
    let y = (f32(row) + (f32(tap / count) + 0.5) / f32(count)) * 2.0 / size - 1.0;
    let at = along_x * x + along_y * y + shift;
    sum += sample(start, rgba, at.x, at.y);
  }
  let alpha = sum.w / f32(count * count);
  let painted = select(vec3<f32>(0), sum.xyz / sum.w, sum.w > 0.0);
  let drawn = select(colour(image, 6u), painted, rgba);
  var shown = colour(image, 9u) * (1.0 - alpha);
  for (var channel = 0u; channel < 3u; channel++) {
    let at = 12u + 4u * channel;
    let recoloured = dot(drawn, colour(image, at)) + number(image, at + 3u);
    shown[channel] += alpha * clamp(recoloured, 0.0, 1.0);
  }
  let lit = clamp(shown * colour(image, 24u) + number(image, 27u), vec3<f32>(0), vec3<f32>(1));
  let normal = (lit - MEAN) / STD;
  let first = window * 3u * area + within;
  y[first] = normal.x;
  y[first + area] = normal.y;
  y[first + 2u * area] = normal.z;
}
