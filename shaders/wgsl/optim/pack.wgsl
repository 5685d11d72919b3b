// optim.pack: copies up to 12 contiguous gradients into their places in one flat buffer.
//
// Grid: workgroups are numbered through the gradients; each copies `blocks` blocks of 256 elements of one of them. Every place is a whole number of blocks;
// what the gradient does not fill becomes 0, so that norms of the flat buffer are right.
// A loop for each gradient, all but one of them empty: CPU adapters run both sides of a branch under a mask, but leave an empty loop at once.
//
// Defines: N  most gradients, 7 to 12 (every device has 8 storage buffers); bindings beyond the real ones repeat the first, and their gradients are empty
//          V  4: gradients are read as vec4 (all their offsets are multiples of 4), 1: element by element
//          WG threads share a block, as in optim.common
// Compile: N=12 V=4 WG=8 BUFFERS=13 | N=7 V=1 WG=64

struct Params {
  first_groups: array<vec4<u32>, 3>, // the first workgroup of each gradient
  lengths: array<vec4<u32>, 3>,
  source_offsets: array<vec4<u32>, 3>,
  target_offsets: array<vec4<u32>, 3>,
  blocks: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> result: array<vec4<f32>>;
#for i in N
@group(0) @binding(${i + 2}) var<storage, read> g${i}: array<${V == 4 ? "vec4<f32>" : "f32"}>;
#endfor

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let span = params.blocks * 256u;
#for k in N
  {
    let length = params.lengths[${k / 4}][${k % 4}];
    let source = params.source_offsets[${k / 4}][${k % 4}];
    let place = params.target_offsets[${k / 4}][${k % 4}];
    let group = wid.x - params.first_groups[${k / 4}][${k % 4}]; // beyond any where this gradient comes later
    let all = (length + 255u) / 256u * 256u;
    let first = select(all, group * span, group < (all + span - 1u) / span);
    let end = min(first + span, all);
    for (var i = first + 4u * lane; i < end; i += ${4 * WG}u) {
      let i4 = vec4<u32>(i, i + 1u, i + 2u, i + 3u);
#if V == 4
      let x = g${k}[(source + min(i, length - 1u)) / 4u];
#else
      let from4 = source + min(i4, vec4<u32>(length - 1u));
      let x = vec4<f32>(g${k}[from4.x], g${k}[from4.y], g${k}[from4.z], g${k}[from4.w]);
#endif
      result[(place + i) / 4u] = select(vec4<f32>(), x, i4 < vec4<u32>(length));
    }
  }
#endfor
}
