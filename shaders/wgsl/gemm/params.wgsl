// gemm.params: the parameters that every kernel of the gemm family reads, and batches.
//
//   c[z, i, j] = epilogue(alpha * sum over k of a[z, i, k] * b[z, k, j])      i < m, j < n, z over up to 4 batch dimensions
//
// a, b and c are strided views: element (z, i, k) of a is a_offset + sum(z_d * a_batch_d) + i * a_row + k * a_col. A stride 0
// broadcasts and strides wrap modulo 2^32, so transposes, batch broadcasting, expanded and reversed views need no code of their own.
// Include only.

struct Params {
  batch_shape: vec4<u32>,
  a_batch: vec4<u32>,
  b_batch: vec4<u32>,
  c_batch: vec4<u32>,
  m: u32,
  n: u32,
  k: u32,
  k_chunk: u32,
  tiles_m: u32,
  tiles_n: u32,
  batches: u32,
  splits: u32,
  a_offset: u32,
  a_row: u32,
  a_col: u32,
  b_offset: u32,
  b_row: u32,
  b_col: u32,
  c_offset: u32,
  c_row: u32,
  c_col: u32,
  c_split: u32,
  bias_offset: u32,
  bias_row: u32,
  bias_col: u32,
  pre_offset: u32,
  residual_offset: u32,
  alpha: f32,
  has_bias: u32,
  has_residual: u32,
  has_pre: u32,
  act: u32,
  b_along_n: u32,
}

@group(0) @binding(0) var<uniform> params: Params;

fn batch_offset(z: u32, strides: vec4<u32>) -> u32 {
  let shape = params.batch_shape;
  let w = z / shape.w;
  let y = w / shape.z;
  let x = y / shape.y;
  return (z - w * shape.w) * strides.w + (w - y * shape.z) * strides.z + (y - x * shape.y) * strides.y + x * strides.x;
}
