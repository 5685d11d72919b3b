// optim.pack: copies up to 7 contiguous gradients into their places in one flat buffer.
//
// Grid: x over blocks of the longest gradient, y over gradients. Every place is a whole number of blocks of 256 elements; what the
// gradient does not fill becomes 0, so that norms of the flat buffer are right.
//
// Defines: N  most gradients, 1 to 7 (8 storage buffers is what every device has); bindings beyond the real ones repeat the first.
// Measured on lavapipe, 47 MB of gradients in 34 tensors: N = 7 160 ms; N = 1, a dispatch each, see optim/arena.ts.
// Compile: N=1 | N=7

struct Params {
  lengths: array<vec4<u32>, 2>,
  source_offsets: array<vec4<u32>, 2>,
  target_offsets: array<vec4<u32>, 2>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
#for i in N
@group(0) @binding(${i + 2}) var<storage, read> g${i}: array<f32>;
#endfor

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let which = wid.y;
  let length = params.lengths[which / 4u][which % 4u];
  let first = wid.x * 256u;
  if (first >= length) { return; }
  let source = params.source_offsets[which / 4u][which % 4u];
  let place = params.target_offsets[which / 4u][which % 4u];
  for (var i = first + lane; i < first + 256u; i += 64u) {
    var x = 0.0;
    if (i < length) {
      switch which {
#for k in N
        case ${k}u: { x = g${k}[source + i]; }
#endfor
        default: {}
      }
    }
    result[place + i] = x;
  }
}
