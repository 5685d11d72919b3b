// gemm.columns: y[split, j] = sum of x[i, j] over the rows i of one chunk; the gradient of a bias, and the last sums of a norm's gradients. Long
// columns run twice: chunks of rows into partial sums, then the partial sums into the result.
//
// Shapes and layout: x [rows, columns] at any strides; y [splits, columns] contiguous.
// Tiling: one invocation a column and chunk, neighbours on neighbouring columns; columns beyond 65535 workgroups go into z.
// Numerics: f32 in ascending row; bitwise repeatable.
// Compile: TX=f32 TY=f32 | TX=f16 TY=f32
#if TX == "f16" || TY == "f16"
enable f16;
#endif

struct Params {
  rows: u32,
  columns: u32,
  chunk: u32,
  x_offset: u32,
  x_row: u32,
  x_col: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<${TX}>;
@group(0) @binding(2) var<storage, read_write> y: array<${TY}>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let column = (wid.x + wid.z * groups.x) * 64u + local;
  if (column >= params.columns) { return; }
  let first = wid.y * params.chunk;
  let last = min(params.rows, first + params.chunk);
  var sum = 0.0;
  for (var i = first; i < last; i++) {
    sum += f32(x[params.x_offset + i * params.x_row + column * params.x_col]);
  }
  y[wid.y * params.columns + column] = ${TY}(sum);
}
