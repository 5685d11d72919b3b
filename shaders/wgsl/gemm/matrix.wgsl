// gemm.matrix: the adapter's subgroup matrix units (chromium_experimental_subgroup_matrix) multiply blocks in workgroup memory.
//
// Shapes and layout: gemm/params.wgsl. Each operand is contiguous along one of its axes, in lines that begin at multiples of 16 bytes:
// A_COL / B_COL 1: a along m, b along k (column-major), 0: a along k, b along n. Where an operand lies along k, k is a multiple of the components in
// 16 bytes.
// Defines in addition to those of gemm/epilogue.wgsl
//   TA        component type of both operands
//   CM CN CK  shape of the units, from the adapter's list of configurations
//   BM BN BK  rows and columns of the tile of a workgroup, and steps of k in a block, of which each invocation fetches equally many chunks
//   SM SN     result matrices of a subgroup along each side: a workgroup has BM / (SM CM) x BN / (SN CN) subgroups
//   BUFFERS   blocks of each operand in workgroup memory: 2, or 1 where 2 exceed the limit of the device
//   HELD      matrices side by side that a subgroup finishes at once, a divisor of SN
//
// Tiling: the next block is fetched before the products of this one and stored after them, in chunks of 16 bytes and as it lies in storage: matrices
// are loaded from it in row-major or column-major order. A line of a block has 16 bytes of padding, so that the lines of a matrix begin in different
// banks. Rows and columns beyond the edge repeat the last ones and are not stored; steps beyond k are zeros.
// Results reach the epilogue through workgroup memory, because WGSL does not tell which invocation holds which of them.
// Numerics: products of components of type TA, f32 sums in an order that the hardware chooses; bitwise repeatable. That order is why the engine compares
// this kernel with another variant once per device before it may be chosen (kernels/gemm/check.ts).
// Measured and tried: docs/kernels/gemm.md.
// Compile: MATRIX=on
#if TA == "f16" || TC == "f16" || TBIAS == "f16" || TPRE == "f16"
enable f16;
#endif
enable subgroups;
enable chromium_experimental_subgroup_matrix;
#include "gemm/params.wgsl"
#include "gemm/work.wgsl"
#include "gemm/epilogue.wgsl"

@group(0) @binding(1) var<storage, read> a: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<u32>>;

alias Left = subgroup_matrix_left<${TA}, ${CK}, ${CM}>;
alias Right = subgroup_matrix_right<${TA}, ${CN}, ${CK}>;
alias Sum = subgroup_matrix_result<f32, ${CN}, ${CM}>;

#let W = TA == "f16" ? 8 : 4
#let SUBGROUPS_N = BN / (SN * CN)
#let SUBGROUPS = BM / (SM * CM) * SUBGROUPS_N
#let THREADS = SG * SUBGROUPS
#let QUADS = CN / 4
#let HELD_QUADS = HELD * CM * QUADS
// A block has lines of the direction in which the operand is contiguous; sizes in chunks of 16 bytes.
#let A_LINES = A_COL ? BK : BM
#let A_CHUNKS = (A_COL ? BM : BK) / W
#let B_LINES = B_COL ? BN : BK
#let B_CHUNKS = (B_COL ? BK : BN) / W
#let A_PITCH = A_CHUNKS + 1
#let B_PITCH = B_CHUNKS + 1
#let A_SLOTS = A_LINES * A_CHUNKS / THREADS
#let B_SLOTS = B_LINES * B_CHUNKS / THREADS

var<workgroup> a_block: array<vec4<u32>, ${BUFFERS * A_LINES * A_PITCH}>;
var<workgroup> b_block: array<vec4<u32>, ${BUFFERS * B_LINES * B_PITCH}>;
var<workgroup> results: array<vec4<f32>, ${SUBGROUPS * HELD_QUADS}>;

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let index = wid.x + wid.y * groups.x;
  if (index >= work_count()) { return; }
  let work = work_of(index);
  let subgroup_row = subgroup / ${SUBGROUPS_N}u * ${SM * CM}u;
  let subgroup_col = subgroup % ${SUBGROUPS_N}u * ${SN * CN}u;
  let row = work.tile_m * ${BM}u;
  let col = work.tile_n * ${BN}u;
#for i in SM * SN
  var s${i}: Sum;
#endfor
// a and b are one template: where each chunk that this invocation fetches lies, in storage at k = 0 and in a block, and its first step of k.
#for x in 2
#let NAME = x == 0 ? "a" : "b"
#let ALONG_K = x == 0 ? !A_COL : B_COL
#let CHUNKS = x == 0 ? A_CHUNKS : B_CHUNKS
#let PITCH = x == 0 ? A_PITCH : B_PITCH
#let FIRST = x == 0 ? "row" : "col"
#let LAST = x == 0 ? "(params.m - 1u)" : "(params.n - 1u)"
#let STRIDE = x == 0 ? (A_COL ? "params.a_col" : "params.a_row") : (B_COL ? "params.b_col" : "params.b_row")
#if ALONG_K
  let ${NAME}_step = 1u;
#else
  let ${NAME}_step = ${STRIDE};
#endif
#for p in x == 0 ? A_SLOTS : B_SLOTS
  let ${NAME}_line${p} = (local + ${p * THREADS}u) / ${CHUNKS}u;
  let ${NAME}_chunk${p} = (local + ${p * THREADS}u) % ${CHUNKS}u;
  let ${NAME}_to${p} = ${NAME}_line${p} * ${PITCH}u + ${NAME}_chunk${p};
#if ALONG_K
  let ${NAME}_k${p} = ${NAME}_chunk${p} * ${W}u;
  let ${NAME}_from${p} = work.${NAME}_base + min(${FIRST} + ${NAME}_line${p}, ${LAST}) * ${STRIDE} + ${NAME}_k${p};
#else
  let ${NAME}_k${p} = ${NAME}_line${p};
  let ${NAME}_from${p} = work.${NAME}_base + min(${FIRST} + ${NAME}_chunk${p} * ${W}u, ${LAST} / ${W}u * ${W}u) + ${NAME}_k${p} * ${STRIDE};
#endif
  var ${NAME}_raw${p}: vec4<u32>;
#endfor
#endfor
  let blocks = select(0u, (work.k_end - work.k_begin + ${BK - 1}u) / ${BK}u, work.k_end > work.k_begin);
  // Step t fetches and stores block t, and multiplies block t - 1.
  for (var t = 0u; t <= blocks; t++) {
    let k = work.k_begin + t * ${BK}u;
    if (t < blocks) {
#for x in 2
#let NAME = x == 0 ? "a" : "b"
#for p in x == 0 ? A_SLOTS : B_SLOTS
      ${NAME}_raw${p} = vec4<u32>();
      if (k + ${NAME}_k${p} < work.k_end) { ${NAME}_raw${p} = ${NAME}[(${NAME}_from${p} + k * ${NAME}_step) / ${W}u]; }
#endfor
#endfor
    }
    if (t > 0u) {
#if BUFFERS == 2
      let a_read = (t + 1u) % 2u * ${A_LINES * A_PITCH}u;
      let b_read = (t + 1u) % 2u * ${B_LINES * B_PITCH}u;
#else
      let a_read = 0u;
      let b_read = 0u;
#endif
#for step in BK / CK
      {
#for i in SM
#if A_COL
        let a${i} = subgroupMatrixLoad<Left, col_major>(&a_block, a_read + subgroup_row / ${W}u + ${step * CK * A_PITCH + i * CM / W}u, ${A_PITCH}u);
#else
        let a${i} = subgroupMatrixLoad<Left, row_major>(&a_block, a_read + subgroup_row * ${A_PITCH}u + ${i * CM * A_PITCH + step * CK / W}u, ${A_PITCH}u);
#endif
#endfor
#for j in SN
#if B_COL
        let b${j} = subgroupMatrixLoad<Right, col_major>(&b_block, b_read + subgroup_col * ${B_PITCH}u + ${j * CN * B_PITCH + step * CK / W}u, ${B_PITCH}u);
#else
        let b${j} = subgroupMatrixLoad<Right, row_major>(&b_block, b_read + subgroup_col / ${W}u + ${step * CK * B_PITCH + j * CN / W}u, ${B_PITCH}u);
#endif
#endfor
#for i in SM
#for j in SN
        s${i * SN + j} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, s${i * SN + j});
#endfor
#endfor
      }
#endfor
    }
#if BUFFERS == 1
    workgroupBarrier();
#endif
    if (t < blocks) {
#for x in 2
#let NAME = x == 0 ? "a" : "b"
#let SIZE = x == 0 ? A_LINES * A_PITCH : B_LINES * B_PITCH
#let WRITE = BUFFERS == 2 ? "t % 2u * " + SIZE + "u + " : ""
#for p in x == 0 ? A_SLOTS : B_SLOTS
      ${NAME}_block[${WRITE}${NAME}_to${p}] = ${NAME}_raw${p};
#endfor
#endfor
    }
    workgroupBarrier();
  }
  let held = subgroup * ${HELD_QUADS}u;
#for i in SM
#for g in SN / HELD
#for h in HELD
  subgroupMatrixStore<row_major>(&results, held + ${h * QUADS}u, s${i * SN + g * HELD + h}, ${HELD * QUADS}u);
#endfor
  workgroupBarrier();
  for (var e = lane; e < ${HELD_QUADS}u; e += ${SG}u) {
    emit(work.c_base, row + subgroup_row + ${i * CM}u + e / ${HELD * QUADS}u, col + subgroup_col + ${g * HELD * CN}u + e % ${HELD * QUADS}u * 4u, results[held + e]);
  }
  workgroupBarrier();
#endfor
#endfor
}
