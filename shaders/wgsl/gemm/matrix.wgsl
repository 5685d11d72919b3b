// gemm.matrix: the adapter's subgroup matrix units (chromium_experimental_subgroup_matrix), one subgroup a workgroup.
//
// Tiling: 2 x 2 result matrices of CM x CN per subgroup, loaded straight from storage in steps of CK along k; no workgroup memory.
// CM, CN, CK come from the adapter's list of configurations. Asks for m, n, k in multiples of 2 CM, 2 CN, CK and for operands that
// are contiguous along one of their axes: A_COL / B_COL 1: along k of a, along k of b (column-major), else along m / n.
// The sums go to a contiguous f32 buffer [splits][batches][m][n]; gemm.reduce applies the epilogue.
// Numerics: components of type T, f32 sums in an order the hardware chooses. That order is why the engine compares this kernel
// with another variant once per device before it may be chosen (checkMatrix).
// Run on: no adapter yet. It is compiled against Dawn's null adapter by a test; treat its speed as unknown.
// Compile: MATRIX=on
#if T == "f16"
enable f16;
#endif
enable subgroups;
enable chromium_experimental_subgroup_matrix;

struct Params {
  batch_shape: vec4<u32>,
  a_batch: vec4<u32>,
  b_batch: vec4<u32>,
  m: u32,
  n: u32,
  k: u32,
  k_chunk: u32,
  tiles_m: u32,
  tiles_n: u32,
  batches: u32,
  splits: u32,
  a_offset: u32,
  a_stride: u32,
  b_offset: u32,
  b_stride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<${T}>;
@group(0) @binding(2) var<storage, read> b: array<${T}>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

alias Left = subgroup_matrix_left<${T}, ${CK}, ${CM}>;
alias Right = subgroup_matrix_right<${T}, ${CN}, ${CK}>;
alias Sum = subgroup_matrix_result<f32, ${CN}, ${CM}>;

fn batch_offset(z: u32, strides: vec4<u32>) -> u32 {
  let shape = params.batch_shape;
  let w = z / shape.w;
  let y = w / shape.z;
  let x = y / shape.y;
  return (z - w * shape.w) * strides.w + (w - y * shape.z) * strides.z + (y - x * shape.y) * strides.y + x * strides.x;
}

@compute @workgroup_size(${SG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = wid.x + wid.y * groups.x;
  if (index >= params.tiles_n * params.tiles_m * params.batches * params.splits) { return; }
  let above = index / params.tiles_n;
  let slab = above / params.tiles_m;
  let split = slab / params.batches;
  let z = slab % params.batches;
  let row = (above % params.tiles_m) * ${2 * CM}u;
  let col = (index % params.tiles_n) * ${2 * CN}u;
  let k_end = min(params.k, (split + 1u) * params.k_chunk);
  let a_base = params.a_offset + batch_offset(z, params.a_batch);
  let b_base = params.b_offset + batch_offset(z, params.b_batch);
#for i in 4
  var s${i}: Sum;
#endfor
  for (var k = split * params.k_chunk; k < k_end; k += ${CK}u) {
#for i in 2
#if A_COL
    let a${i} = subgroupMatrixLoad<Left, col_major>(&a, a_base + k * params.a_stride + row + ${i * CM}u, params.a_stride);
#else
    let a${i} = subgroupMatrixLoad<Left, row_major>(&a, a_base + (row + ${i * CM}u) * params.a_stride + k, params.a_stride);
#endif
#if B_COL
    let b${i} = subgroupMatrixLoad<Right, col_major>(&b, b_base + (col + ${i * CN}u) * params.b_stride + k, params.b_stride);
#else
    let b${i} = subgroupMatrixLoad<Right, row_major>(&b, b_base + k * params.b_stride + col + ${i * CN}u, params.b_stride);
#endif
#endfor
#for i in 4
    s${i} = subgroupMatrixMultiplyAccumulate(a${i / 2}, b${i % 2}, s${i});
#endfor
  }
  let base = (slab * params.m + row) * params.n + col;
#for i in 4
  subgroupMatrixStore<row_major>(&c, base + ${(i / 2) * CM}u * params.n + ${(i % 2) * CN}u, s${i}, params.n);
#endfor
}
