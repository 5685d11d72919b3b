// dropout: y = x * scale where the random number of the element is at least the threshold, else 0. One thread per element.
//
// Random numbers: pcg3d (Jarzynski and Olano 2020) of (element, stream, seed); the upper 24 bits decide. A counter-based generator has
// no state, so the backward pass draws the same numbers again, and integers make them the same on every adapter.
//
// Defines: SEEDED  1: the seed is read from a buffer, so that a captured step can change it; 0: params.seed_value
// Compile: SEEDED=0 | SEEDED=1

struct Params {
  count: u32,
  x_offset: u32,
  seed_value: u32, // the seed, or its offset in `seed`
  stream_number: u32,
  threshold: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
#if SEEDED
@group(0) @binding(3) var<storage, read> seed: array<u32>;
#endif

fn pcg3d(start: vec3<u32>) -> u32 {
  var v = start * 1664525u + 1013904223u;
  v.x += v.y * v.z;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v ^= v >> vec3<u32>(16u);
  v.x += v.y * v.z;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  return v.x;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
#if SEEDED
  let key = seed[params.seed_value];
#else
  let key = params.seed_value;
#endif
  let kept = (pcg3d(vec3<u32>(i, params.stream_number, key)) >> 8u) >= params.threshold;
  y[i] = select(0.0, x[params.x_offset + i] * params.scale, kept);
}
