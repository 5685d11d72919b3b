// dropout: y = x * scale where the random number of the element is at least the threshold, else 0. y is fresh, so its last
// vector of 4 may write past the end. A workgroup of WG threads takes WG * PER neighbouring vectors.
//
// Random numbers: pcg3d (Jarzynski and Olano 2020) of (element, stream, seed); the upper 24 bits decide. A counter-based generator has
// no state, so the backward pass draws the same numbers again, and integers make them the same on every adapter.
//
// Defines: SEEDED  1: the seed is read from a buffer, so that a captured step can change it; 0: params.seed_value
//          V  4: x is read as vec4 (its offset is a multiple of 4), 1: element by element
// Measured: docs/kernels/dropout.md
// Compile: SEEDED=0 V=4 WG=8 PER=64 | SEEDED=1 V=1 WG=64 PER=4

struct Params {
  count: u32,
  x_offset: u32,
  seed_value: u32, // the seed, or its offset in `seed`
  stream_number: u32,
  threshold: u32,
  scale: f32,
  first: u32, // the element that x begins with, in the stream's count
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<${V == 4 ? "vec4<f32>" : "f32"}>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
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

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
#if SEEDED
  let key = seed[params.seed_value];
#else
  let key = params.seed_value;
#endif
  let first = (wid.x + wid.y * groups.x) * ${WG * PER}u;
  let end = min(first + ${WG * PER}u, (params.count + 3u) / 4u);
  for (var at = first + lane; at < end; at += ${WG}u) {
    let i = vec4<u32>(4u * at) + vec4<u32>(0u, 1u, 2u, 3u);
    let counted = i + vec4<u32>(params.first);
    let drawn = vec4<u32>(
#for k in 4
      pcg3d(vec3<u32>(counted[${k}], params.stream_number, key)),
#endfor
    );
#if V == 4
    let value = x[params.x_offset / 4u + at];
#else
    let from4 = params.x_offset + min(i, vec4<u32>(params.count - 1u));
    let value = vec4<f32>(x[from4.x], x[from4.y], x[from4.z], x[from4.w]);
#endif
    y[at] = select(vec4<f32>(), value * params.scale, (drawn >> vec4<u32>(8u)) >= vec4<u32>(params.threshold));
  }
}
