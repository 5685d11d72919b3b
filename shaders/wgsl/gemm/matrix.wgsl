// gemm.matrix: the adapter's subgroup matrix units (chromium_experimental_subgroup_matrix), one subgroup a workgroup.
//
// Shapes and layout: gemm/params.wgsl. m, n, k are multiples of 2 CM, 2 CN, CK, and each operand is contiguous along one of its axes:
// A_COL / B_COL 1: a along m, b along k (column-major), 0: a along k, b along n. c is bare sums in f32, contiguous along n; gemm.reduce applies the
// epilogue.
// Tiling: 2 x 2 result matrices of CM x CN per subgroup, loaded straight from storage in steps of CK along k; no workgroup memory.
// CM, CN, CK come from the adapter's list of configurations.
// Numerics: components of type TA, f32 sums in an order the hardware chooses. That order is why the engine compares this kernel
// with another variant once per device before it may be chosen (kernels/gemm/check.ts).
// Run on no adapter yet: docs/kernels/gemm.md.
// Compile: MATRIX=on
#if TA == "f16"
enable f16;
#endif
enable subgroups;
enable chromium_experimental_subgroup_matrix;
#include "gemm/params.wgsl"
#include "gemm/work.wgsl"

@group(0) @binding(1) var<storage, read> a: array<${TA}>;
@group(0) @binding(2) var<storage, read> b: array<${TA}>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

alias Left = subgroup_matrix_left<${TA}, ${CK}, ${CM}>;
alias Right = subgroup_matrix_right<${TA}, ${CN}, ${CK}>;
alias Sum = subgroup_matrix_result<f32, ${CN}, ${CM}>;

@compute @workgroup_size(${SG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = wid.x + wid.y * groups.x;
  if (index >= work_count()) { return; }
  let work = work_of(index);
  let row = work.tile_m * ${2 * CM}u;
  let col = work.tile_n * ${2 * CN}u;
#for i in 4
  var s${i}: Sum;
#endfor
  for (var k = work.k_begin; k < work.k_end; k += ${CK}u) {
#for i in 2
#if A_COL
    let a${i} = subgroupMatrixLoad<Left, col_major>(&a, work.a_base + k * params.a_col + row + ${i * CM}u, params.a_col);
#else
    let a${i} = subgroupMatrixLoad<Left, row_major>(&a, work.a_base + (row + ${i * CM}u) * params.a_row + k, params.a_row);
#endif
#if B_COL
    let b${i} = subgroupMatrixLoad<Right, col_major>(&b, work.b_base + (col + ${i * CN}u) * params.b_col + k, params.b_col);
#else
    let b${i} = subgroupMatrixLoad<Right, row_major>(&b, work.b_base + k * params.b_row + col + ${i * CN}u, params.b_row);
#endif
#endfor
#for i in 4
    s${i} = subgroupMatrixMultiplyAccumulate(a${i / 2}, b${i % 2}, s${i});
#endfor
  }
  let base = work.c_base + row * params.c_row + col;
#for i in 4
  subgroupMatrixStore<row_major>(&c, base + ${(i / 2) * CM}u * params.c_row + ${(i % 2) * CN}u, s${i}, params.c_row);
#endfor
}
