// gemm.tile: blocks of both operands staged in workgroup memory, 8 x 8 sums per invocation. Runs on every GPU; requires nothing
// beyond WebGPU's default limits and for no subgroups.
//
// Shapes and layout: gemm/params.wgsl.
// Tiling: 64 invocations, a 64 x 64 tile of c, 16 steps of k a block. Each invocation fetches one 4 x 4 quad of a and one of b
// per block, transposed in registers so that both blocks lie [k][row or column] as vec4 (one vec4 of padding a row against bank
// conflicts): 2 * 16 * 17 * 16 bytes = 8.5 KiB. Loads are issued before the barrier that waits for the last block's readers; several small
// workgroups a core hide the rest (fetching a block ahead would double the code of the loads, and the time to compile them).
// An invocation sums rows 4 ty .. + 3 and 32 + 4 ty .. + 3, columns 4 tx .. + 3 and 32 + 4 tx .. + 3, so that neighbours read
// neighbouring vec4.
// Numerics: f32 fma in ascending k; bitwise repeatable.
// Measured and tried: docs/kernels/gemm.md.
// Compile: TA=f32 TB=f32 VA=k VB=k TAIL=1 TC=f32 TBIAS=f32 TPRE=f32 VC=1 BIAS=1 ACT=any SAVE=0 GRAD=1 RES=1 CPU=1 | TA=f32 TB=f16 VA=m VB=n TAIL=0 TC=f32 TBIAS=f32 TPRE=f32 VC=0 BIAS=1 ACT=gelu SAVE=1 GRAD=0 RES=1 CPU=0 | TA=f32 TB=f32 VA=s VB=s TAIL=1 TC=f32 TBIAS=f32 TPRE=f32 VC=1 BIAS=2 ACT=quickGelu SAVE=0 GRAD=1 RES=0 CPU=1
#if TA == "f16" || TB == "f16" || TC == "f16" || TBIAS == "f16" || TPRE == "f16"
enable f16;
#endif
#include "gemm/params.wgsl"
#include "gemm/work.wgsl"
#include "gemm/operands.wgsl"
#include "gemm/epilogue.wgsl"

var<workgroup> a_block: array<vec4<f32>, 272>;
var<workgroup> b_block: array<vec4<f32>, 272>;

// Rows row .. row + 3 of a at k + u, one vector for each u; 0 beyond k_end.
fn fetch_a(base: u32, row: u32, k: u32, k_end: u32) -> mat4x4<f32> {
  let inside = k < k_end;
  let start = select(k_end - 4u, k, inside || k_end < 4u);
#if VA == "m"
  let x = mat4x4<f32>(
#for u in 4
    load_a(a_row_offset(base, row), start + ${u}u, k_end),
#endfor
  );
#else
  let x = transpose(mat4x4<f32>(
#for i in 4
    load_a(a_row_offset(base, row + ${i}u), start, k_end),
#endfor
  ));
#endif
  return mat4x4<f32>(
#for u in 4
    select(vec4<f32>(0.0), x[${u}], inside),
#endfor
  );
}

fn fetch_b(base: u32, col: u32, k: u32, k_end: u32) -> mat4x4<f32> {
  let inside = k < k_end;
  let x = load_b(b_column_offsets(base, col), select(k_end - 4u, k, inside || k_end < 4u), k_end);
  return mat4x4<f32>(
#for u in 4
    select(vec4<f32>(0.0), x[${u}], inside),
#endfor
  );
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32) {
  let index = wid.x + wid.y * groups.x;
  if (index >= work_count()) { return; }
  let work = work_of(index);
  let row = work.tile_m * 64u;
  let col = work.tile_n * 64u;
  // Which quad this invocation fetches: neighbours follow the direction in which the operand is contiguous.
#if VA == "m"
  let a_quad = local % 16u;
  let a_k = local / 16u;
#else
  let a_quad = local / 4u;
  let a_k = local % 4u;
#endif
#if VB == "n"
  let b_quad = local % 16u;
  let b_k = local / 16u;
#else
  let b_quad = local / 4u;
  let b_k = local % 4u;
#endif
  let ty = local / 8u;
  let tx = local % 8u;
#for i in 16
  var s${i} = vec4<f32>();
#endfor
  for (var k = work.k_begin; k < work.k_end; k += 16u) {
    let a_quads = fetch_a(work.a_base, row + a_quad * 4u, k + a_k * 4u, work.k_end);
    let b_quads = fetch_b(work.b_base, col + b_quad * 4u, k + b_k * 4u, work.k_end);
    workgroupBarrier();
#for u in 4
    a_block[(a_k * 4u + ${u}u) * 17u + a_quad] = a_quads[${u}];
    b_block[(b_k * 4u + ${u}u) * 17u + b_quad] = b_quads[${u}];
#endfor
    workgroupBarrier();
    for (var step = 0u; step < 16u; step++) {
      let a0 = a_block[step * 17u + ty];
      let a1 = a_block[step * 17u + 8u + ty];
      let b0 = b_block[step * 17u + tx];
      let b1 = b_block[step * 17u + 8u + tx];
#for i in 8
      s${2 * i} = fma(vec4<f32>(a${i / 4}.${"xyzw"[i % 4]}), b0, s${2 * i});
      s${2 * i + 1} = fma(vec4<f32>(a${i / 4}.${"xyzw"[i % 4]}), b1, s${2 * i + 1});
#endfor
    }
  }
  var sums = array<vec4<f32>, 16>(
#for i in 16
    s${i},
#endfor
  );
  for (var i = 0u; i < 16u + unknown_zero(); i++) {
    emit(work.c_base, row + (i / 8u) * 32u + ty * 4u + (i / 2u) % 4u, col + (i % 2u) * 32u + tx * 4u, sums[i]);
  }
}
