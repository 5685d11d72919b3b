// copy: y = x, from any strided view into a contiguous tensor, or into a strided view, with conversion.
// Layout: one thread an element; the index is split over at most 8 dimensions (outermost first), unused ones have size 1.
// Compile: TX=f32 TY=f32 TO_BOOL=0 | TX=f16 TY=f32 TO_BOOL=0 | TX=f32 TY=u32 TO_BOOL=1
#if TX == "f16" || TY == "f16"
enable f16;
#endif

struct Params {
  count: u32,
  x_offset: u32,
  y_offset: u32,
  pad: u32,
  shape: array<vec4<u32>, 2>,
  x_strides: array<vec4<u32>, 2>,
  y_strides: array<vec4<u32>, 2>,
}

@group(0) @binding(0) var<storage, read> x: array<${TX}>;
@group(0) @binding(1) var<storage, read_write> y: array<${TY}>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count) { return; }
  var rest = index;
  var source = params.x_offset;
  var destination = params.y_offset;
#for d in 8
#let D = 7 - d
  {
    let size = params.shape[${D / 4}].${"xyzw"[D % 4]};
    let at = rest % size;
    rest = rest / size;
    source += at * params.x_strides[${D / 4}].${"xyzw"[D % 4]};
    destination += at * params.y_strides[${D / 4}].${"xyzw"[D % 4]};
  }
#endfor
#if TO_BOOL
  y[destination] = u32(x[source] != ${TX}(0));
#else
  y[destination] = ${TY}(x[source]);
#endif
}
