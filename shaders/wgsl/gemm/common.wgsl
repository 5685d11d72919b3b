// gemm.common: what every kernel of the gemm family shares: parameters, result and epilogue. See gemm.load for the operands.
//
//   c[z, i, j] = epilogue(alpha * sum over k of a[z, i, k] * b[z, k, j])      i < m, j < n, z over up to 4 batch dimensions
//
// Defines
//   TC TBIAS  storage types "f32" | "f16" of c (and pre and residual) and of bias
//   VC    1: vec4 stores (c_col = 1; n, offsets and all other strides of c multiples of 4), 0: scalar stores at any strides
//   BIAS  1: adds bias[i * bias_row + j * bias_col] where params.has_bias
//   ACT   "none", "relu", ..., "any" (activation.wgsl), applied after the bias; then
//   SAVE  1: also writes the value before the activation to `pre` (strides of c)
//   GRAD  1: where params.has_pre, reads `pre` instead and multiplies by act'(pre)
//   RES   1: adds `residual` (strides of c) last where params.has_residual
//   CPU   1: on a CPU adapter. Loops of the epilogue stay loops, since compiling is what costs; neighbouring workgroups share columns of b
// Include only.
#include "activation.wgsl"

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
#if VC
#let TS = "vec4<" + TC + ">"
#else
#let TS = TC
#endif
@group(0) @binding(3) var<storage, read_write> c: array<${TS}>;
#if BIAS
@group(0) @binding(4) var<storage, read> bias: array<${TBIAS}>;
#endif
#if SAVE
@group(0) @binding(5) var<storage, read_write> pre: array<${TS}>;
#elif GRAD
@group(0) @binding(5) var<storage, read> pre: array<${TS}>;
#endif
#if RES
@group(0) @binding(6) var<storage, read> residual: array<${TS}>;
#endif

// 0; with CPU 1 compilers cannot know that, so a loop whose bound contains it is not unrolled: an unrolled epilogue takes 3 times as long to
// compile as all the rest of a kernel on lavapipe.
fn unknown_zero() -> u32 { return ${CPU ? "params.k >> 31u" : "0u"}; }

fn batch_offset(z: u32, strides: vec4<u32>) -> u32 {
  let shape = params.batch_shape;
  let w = z / shape.w;
  let y = w / shape.z;
  let x = y / shape.y;
  return (z - w * shape.w) * strides.w + (w - y * shape.z) * strides.z + (y - x * shape.y) * strides.y + x * strides.x;
}

// What is added to row `row`, columns col .. col + 3.
fn bias_at(row: u32, col: u32) -> vec4<f32> {
  var x = vec4<f32>();
#if BIAS
  if (params.has_bias == 1u) {
    let first = params.bias_offset + row * params.bias_row;
    let last = params.n - 1u;
    x = vec4<f32>(
#for j in 4
      f32(bias[first + min(col + ${j}u, last) * params.bias_col]),
#endfor
    );
  }
#endif
  return x;
}

// Offset in c of row `row`, column `col`.
fn place(base: u32, row: u32, col: u32) -> u32 {
  return base + row * params.c_row + col * params.c_col;
}

// Columns of `col` .. col + 3 inside the matrix.
fn count4(col: u32) -> u32 {
  return min(4u, params.n - col);
}

// Offsets of columns col .. col + 3 beside the first; those beyond the matrix repeat its last one.
fn columns4(col: u32) -> vec4<u32> {
  return min(vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(count4(col) - 1u)) * params.c_col;
}

#for x in 2
#let NAME = x == 0 ? "pre" : "residual"
#if x == 0 ? GRAD : RES
fn ${NAME}_at(at: u32, col: u32) -> vec4<f32> {
#if VC
  return vec4<f32>(${NAME}[(params.${NAME}_offset + at) / 4u]);
#else
  let i = params.${NAME}_offset + at + columns4(col);
  return vec4<f32>(f32(${NAME}[i.x]), f32(${NAME}[i.y]), f32(${NAME}[i.z]), f32(${NAME}[i.w]));
#endif
}
#endif
#endfor

// What alpha times the sums plus bias becomes before the residual is added.
fn finish(base: u32, row: u32, col: u32, sum: vec4<f32>) -> vec4<f32> {
  if (row >= params.m || col >= params.n) { return sum; }
  let at = place(base, row, col);
#if SAVE
#if VC
  pre[(params.pre_offset + at) / 4u] = vec4<${TC}>(sum);
#else
  let columns = columns4(col);
#for j in 4
  if (count4(col) > ${j}u) { pre[params.pre_offset + at + columns.${"xyzw"[j]}] = ${TC}(sum.${"xyzw"[j]}); }
#endfor
#endif
  return activate(sum).value;
#elif GRAD
  var x = sum;
  if (params.has_pre == 1u) { x = pre_at(at, col); }
  let activated = activate(x);
  return select(activated.value, sum * activated.slope, params.has_pre == 1u);
#else
  return activate(sum).value;
#endif
}

// Adds the residual and stores what is inside the matrix.
fn store(base: u32, row: u32, col: u32, value: vec4<f32>) {
  if (row >= params.m || col >= params.n) { return; }
  var x = value;
  let at = place(base, row, col);
#if RES
  if (params.has_residual == 1u) { x += residual_at(at, col); }
#endif
#if VC
  c[(params.c_offset + at) / 4u] = vec4<${TC}>(x);
#else
  let columns = columns4(col);
#for j in 4
  if (count4(col) > ${j}u) { c[params.c_offset + at + columns.${"xyzw"[j]}] = ${TC}(x.${"xyzw"[j]}); }
#endfor
#endif
}

// The whole epilogue of row `row`, columns col .. col + 3. No subgroup operation may follow.
fn emit(base: u32, row: u32, col: u32, sum: vec4<f32>) {
  store(base, row, col, finish(base, row, col, sum * params.alpha + bias_at(row, col)));
}
