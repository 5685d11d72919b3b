// gemm.reduce: adds the partial sums of a product that was split along k, then applies the epilogue the split kernels left out.
//
// Shapes and layout: gemm/params.wgsl; partial: [splits][batches][m][n], contiguous f32; VP 1: read as vec4 (n a multiple of 4).
// Tiling: 64 invocations a workgroup, 4 columns each.
// Numerics: f32 in ascending split; bitwise repeatable (no atomics).
// Compile: VP=1 TC=f32 TBIAS=f32 TPRE=f32 VC=1 BIAS=1 ACT=any SAVE=0 GRAD=1 RES=1 CPU=1 | VP=0 TC=f32 TBIAS=f32 TPRE=f32 VC=0 BIAS=1 ACT=geluTanh SAVE=0 GRAD=1 RES=1 CPU=0
#if TC == "f16" || TBIAS == "f16" || TPRE == "f16"
enable f16;
#endif
#include "gemm/params.wgsl"
#include "gemm/epilogue.wgsl"

#if VP
@group(0) @binding(1) var<storage, read> partial: array<vec4<f32>>;
#else
@group(0) @binding(1) var<storage, read> partial: array<f32>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32) {
  let quads = (params.n + 3u) / 4u;
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  let matrix_row = index / quads;
  let z = matrix_row / params.m;
  if (z >= params.batches) { return; }
  let col = (index - matrix_row * quads) * 4u;
  let size = params.batches * params.m * params.n;
  var sum = vec4<f32>();
  for (var split = 0u; split < params.splits; split++) {
    let at = split * size + matrix_row * params.n + col;
#if VP
    sum += partial[at / 4u];
#else
    let last = split * size + matrix_row * params.n + params.n - 1u;
    sum += vec4<f32>(partial[at], partial[min(at + 1u, last)], partial[min(at + 2u, last)], partial[min(at + 3u, last)]);
#endif
  }
  emit(batch_offset(z, params.c_batch), matrix_row - z * params.m, col, sum);
}
