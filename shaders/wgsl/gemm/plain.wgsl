// gemm.plain: 4 x 4 sums per invocation, no subgroups, no workgroup memory, no barrier. The default of CPU adapters
// without subgroups of a fixed size, and what every adapter can run.
//
// Shapes and layout: gemm/params.wgsl.
// Tiling: 64 invocations, 8 x 8, a tile of 32 x 32 per workgroup; a step of 4 along k loads 4 vec4 of a and 4 of b for 64 fma.
// Numerics: f32 fma in ascending k; bitwise repeatable.
// Measured and tried: docs/kernels/gemm.md.
// Compile: TA=f32 TB=f32 VA=k VB=k TAIL=1 TC=f32 TBIAS=f32 TPRE=f32 VC=1 BIAS=1 ACT=any SAVE=0 GRAD=1 RES=1 CPU=1 | TA=f32 TB=f16 VA=m VB=n TAIL=0 TC=f32 TBIAS=f32 TPRE=f32 VC=0 BIAS=1 ACT=gelu SAVE=1 GRAD=0 RES=1 CPU=0 | TA=f32 TB=f32 VA=s VB=s TAIL=1 TC=f32 TBIAS=f32 TPRE=f32 VC=1 BIAS=2 ACT=quickGelu SAVE=0 GRAD=1 RES=0 CPU=1
#if TA == "f16" || TB == "f16" || TC == "f16" || TBIAS == "f16" || TPRE == "f16"
enable f16;
#endif
#include "gemm/params.wgsl"
#include "gemm/work.wgsl"
#include "gemm/operands.wgsl"
#include "gemm/quad_sums.wgsl"
#include "gemm/epilogue.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32) {
  let index = wid.x + wid.y * groups.x;
  if (index >= work_count()) { return; }
  let work = work_of(index);
  let row = work.tile_m * 32u + (local / 8u) * 4u;
  let col = work.tile_n * 32u + (local % 8u) * 4u;
  var sums = quad_sums(work.a_base, work.b_base, row, col, work.k_begin, 4u, work.k_end);
  for (var i = 0u; i < 4u + unknown_zero(); i++) {
    emit(work.c_base, row + i, col, sums[i]);
  }
}
