// optim.pack: copies up to 7 contiguous gradients into their places in one flat buffer.
//
// Grid: x over blocks of the longest gradient (a workgroup takes every groups.x-th block), y over gradients. Every place is a whole number of blocks of 256 elements; what the
// gradient does not fill becomes 0, so that norms of the flat buffer are right.
//
// Defines: N  most gradients, 1 to 7 (8 storage buffers is what every device has); bindings beyond the real ones repeat the first.
//          V  4: gradients are read as vec4 (all their offsets are multiples of 4), 1: element by element
//          WG threads share a block, as in optim.common
// N = 1 on CPU adapters, see optim/arena.ts.
// Compile: N=1 V=4 WG=8 | N=7 V=1 WG=64

struct Params {
  lengths: array<vec4<u32>, 2>,
  source_offsets: array<vec4<u32>, 2>,
  target_offsets: array<vec4<u32>, 2>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> result: array<vec4<f32>>;
#for i in N
@group(0) @binding(${i + 2}) var<storage, read> g${i}: array<${V == 4 ? "vec4<f32>" : "f32"}>;
#endfor

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let which = wid.y;
  let length = params.lengths[which / 4u][which % 4u];
  let source = params.source_offsets[which / 4u][which % 4u];
  let place = params.target_offsets[which / 4u][which % 4u];
  for (var first = wid.x * 256u; first < length; first += groups.x * 256u) {
    for (var i = first + 4u * lane; i < first + 256u; i += ${4 * WG}u) {
      var x = vec4<f32>();
      if (i < length) {
        let i4 = vec4<u32>(i, i + 1u, i + 2u, i + 3u);
#if V == 1
        let from4 = source + min(i4, vec4<u32>(length - 1u));
#endif
        switch which {
#for k in N
#if V == 4
          case ${k}u: { x = g${k}[(source + i) / 4u]; }
#else
          case ${k}u: { x = vec4<f32>(g${k}[from4.x], g${k}[from4.y], g${k}[from4.z], g${k}[from4.w]); }
#endif
#endfor
          default: {}
        }
        x = select(vec4<f32>(), x, i4 < vec4<u32>(length));
      }
      result[(place + i) / 4u] = x;
    }
  }
}
