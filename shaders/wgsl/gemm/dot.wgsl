// gemm.dot: lanes along k, for few rows (a vector or a few, times a matrix whose columns are contiguous along k) on GPUs, where
// gemm.broadcast would leave most of its tile empty and read b without coalescing.
//
// Shapes and layout: gemm/params.wgsl.
// Tiling: a group of LANES invocations has 4 rows x 4 columns of c; each lane takes every LANES-th step of 4 along k and the
// partial sums meet at the end: subgroupAdd where subgroups have a fixed size SG (64 / SG groups a workgroup, side by side along
// n), else a tree in workgroup memory (one group of 64 lanes, 4 KiB).
// Numerics: f32; LANES partial sums in ascending k each, then their sum: a shorter chain than one running sum. Bitwise repeatable.
// Measured and tried: docs/kernels/gemm.md.
// Compile: TA=f32 TB=f32 VA=k VB=k TAIL=1 TC=f32 TBIAS=f32 TPRE=f32 VC=1 BIAS=1 ACT=any SAVE=0 GRAD=1 RES=1 CPU=1 SG=on | TA=f32 TB=f16 VA=m VB=n TAIL=0 TC=f32 TBIAS=f32 TPRE=f32 VC=0 BIAS=1 ACT=gelu SAVE=1 GRAD=0 RES=1 CPU=0 SG=0 | TA=f32 TB=f32 VA=s VB=s TAIL=1 TC=f32 TBIAS=f32 TPRE=f32 VC=1 BIAS=2 ACT=quickGelu SAVE=0 GRAD=1 RES=0 CPU=1 SG=0
#if TA == "f16" || TB == "f16" || TC == "f16" || TBIAS == "f16" || TPRE == "f16"
enable f16;
#endif
#if SG > 0
enable subgroups;
#endif
#include "gemm/params.wgsl"
#include "gemm/work.wgsl"
#include "gemm/operands.wgsl"
#include "gemm/quad_sums.wgsl"
#include "gemm/epilogue.wgsl"

#if SG > 0
#let LANES = SG
#else
#let LANES = 64
var<workgroup> partial: array<vec4<f32>, 256>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32) {
  let index = wid.x + wid.y * groups.x;
  if (index >= work_count()) { return; }
  let work = work_of(index);
  let lane = local % ${LANES}u;
  let row = work.tile_m * 4u;
  let col = (work.tile_n * ${64 / LANES}u + local / ${LANES}u) * 4u;
  let parts = quad_sums(work.a_base, work.b_base, row, col, work.k_begin + lane * 4u, ${4 * LANES}u, work.k_end);
#if SG > 0
  var sums = array<vec4<f32>, 4>(subgroupAdd(parts[0]), subgroupAdd(parts[1]), subgroupAdd(parts[2]), subgroupAdd(parts[3]));
#else
#for i in 4
  partial[local * 4u + ${i}u] = parts[${i}];
#endfor
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
#for i in 4
      partial[local * 4u + ${i}u] += partial[(local + half) * 4u + ${i}u];
#endfor
    }
  }
  var sums = array<vec4<f32>, 4>(partial[0], partial[1], partial[2], partial[3]);
#endif
  if (lane == 0u) {
    for (var i = 0u; i < 4u + unknown_zero(); i++) {
      emit(work.c_base, row + i, col, sums[i]);
    }
  }
}
