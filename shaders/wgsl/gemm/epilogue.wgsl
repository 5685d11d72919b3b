// gemm.epilogue: the operations on sums before they are stored, and the stores. Needs gemm/params.wgsl.
//
//   c = act(alpha * sum + bias) + residual, or (alpha * sum + bias) * act'(pre) + residual
//
// Defines
//   TC TBIAS TPRE  storage types "f32" | "f16" of c (and residual), of bias and of pre
//   VC    1: vec4 stores (c_col = 1; n, offsets and all other strides of c multiples of 4), 0: scalar stores at any strides
//   BIAS  1: adds bias[i * bias_row + j * bias_col] where params.has_bias; 2: the same, of which bias_row is not 0
//   ACT   "none", "relu", ..., "any" (activation.wgsl), applied after the bias; then
//   SAVE  1: also writes the value before the activation to `pre` (strides of c)
//   GRAD  1: where params.has_pre, reads `pre` instead and multiplies by act'(pre)
//   RES   1: adds `residual` (strides of c) last where params.has_residual
//   CPU   1: on a CPU adapter, where loops over results stay loops, since compiling is what costs
// Include only.
#include "activation.wgsl"

#if VC
#let TS = "vec4<" + TC + ">"
#let TP = "vec4<" + TPRE + ">"
#else
#let TS = TC
#let TP = TPRE
#endif
@group(0) @binding(3) var<storage, read_write> c: array<${TS}>;
#if BIAS
@group(0) @binding(4) var<storage, read> bias: array<${TBIAS}>;
#endif
#if SAVE
@group(0) @binding(5) var<storage, read_write> pre: array<${TP}>;
#elif GRAD
@group(0) @binding(5) var<storage, read> pre: array<${TP}>;
#endif
#if RES
@group(0) @binding(6) var<storage, read> residual: array<${TS}>;
#endif

// 0; with CPU 1 compilers cannot know that, so a loop whose bound contains it is not unrolled: an unrolled epilogue takes 3 times as long to
// compile as all the rest of a kernel on lavapipe.
fn unknown_zero() -> u32 { return ${CPU ? "params.k >> 31u" : "0u"}; }

// The bias of row `row`, columns col .. col + 3.
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

// Offset in c of row `row`, column `col`, from that of its batch and split.
fn c_offset_of(base: u32, row: u32, col: u32) -> u32 {
  return base + row * params.c_row + col * params.c_col;
}

// How many of columns col .. col + 3 are inside the matrix.
fn valid_columns(col: u32) -> u32 {
  return min(4u, params.n - col);
}

// Offsets of columns col .. col + 3 relative to the first; those beyond the matrix repeat its last one.
fn c_column_offsets(col: u32) -> vec4<u32> {
  return min(vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(valid_columns(col) - 1u)) * params.c_col;
}

#for x in 2
#let NAME = x == 0 ? "pre" : "residual"
#if x == 0 ? GRAD : RES
fn ${NAME}_at(at: u32, col: u32) -> vec4<f32> {
#if VC
  return vec4<f32>(${NAME}[(params.${NAME}_offset + at) / 4u]);
#else
  let i = params.${NAME}_offset + at + c_column_offsets(col);
  return vec4<f32>(f32(${NAME}[i.x]), f32(${NAME}[i.y]), f32(${NAME}[i.z]), f32(${NAME}[i.w]));
#endif
}
#endif
#endfor

// What alpha times the sums plus bias becomes before the residual is added.
fn activated(base: u32, row: u32, col: u32, sum: vec4<f32>) -> vec4<f32> {
  if (row >= params.m || col >= params.n) { return sum; }
  let at = c_offset_of(base, row, col);
#if SAVE
#if VC
  pre[(params.pre_offset + at) / 4u] = ${TP}(sum);
#else
  let columns = c_column_offsets(col);
#for j in 4
  if (valid_columns(col) > ${j}u) { pre[params.pre_offset + at + columns.${"xyzw"[j]}] = ${TP}(sum.${"xyzw"[j]}); }
#endfor
#endif
  return activate(sum).value;
#elif GRAD
  var x = sum;
  if (params.has_pre == 1u) { x = pre_at(at, col); }
  let y = activate(x);
  return select(y.value, sum * y.slope, params.has_pre == 1u);
#else
  return activate(sum).value;
#endif
}

// Adds the residual and stores what is inside the matrix.
fn store(base: u32, row: u32, col: u32, value: vec4<f32>) {
  if (row >= params.m || col >= params.n) { return; }
  var x = value;
  let at = c_offset_of(base, row, col);
#if RES
  if (params.has_residual == 1u) { x += residual_at(at, col); }
#endif
#if VC
  c[(params.c_offset + at) / 4u] = vec4<${TC}>(x);
#else
  let columns = c_column_offsets(col);
#for j in 4
  if (valid_columns(col) > ${j}u) { c[params.c_offset + at + columns.${"xyzw"[j]}] = ${TC}(x.${"xyzw"[j]}); }
#endfor
#endif
}

// The whole epilogue of row `row`, columns col .. col + 3. No subgroup operation may follow.
fn emit(base: u32, row: u32, col: u32, sum: vec4<f32>) {
  store(base, row, col, activated(base, row, col, sum * params.alpha + bias_at(row, col)));
}
