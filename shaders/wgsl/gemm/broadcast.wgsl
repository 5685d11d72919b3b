// gemm.broadcast: a register tile per subgroup, fed by subgroup broadcasts. The default of CPU adapters.
//
// Shapes and layout: gemm/params.wgsl.
// Tiling: a subgroup of SG lanes has TM rows x (4 * SG * TV) columns; lane l holds 4 columns (x TV) of every row, that is
// TM * TV vec4 sums. GROUPS subgroups of a workgroup are stacked along m and share the columns of b in cache.
// Step of 4 along k: every lane loads something different once (a load with a run-time address is a gather per lane on these
// adapters, even where all lanes load the same word): its 4 columns of b (4 vec4, transposed in registers if they lie along
// k) and its share of the TM rows of a, which reaches the others by broadcast.
//   VA "k": lane l loads row (t * SG + l), t < max(1, TM / SG)
//   VA "m": lane l loads rows t * SG + 4 * (l / 4) .. + 3 at k + l % 4
//   VA "s": as "k", in loads of one value; lanes that share a row share its 4 values, too
// No barrier, no workgroup memory. The sums leave through an array that is indexed in a loop, which keeps the epilogue (an
// activation, say) once in the code rather than TM times: compiling is what costs on these adapters.
// TM, TV and GROUPS are chosen by kernels/gemm/variants/broadcast.ts: 4 rows for narrow products, else 24 (8 lanes) or 16; TV = 2 at 4 lanes. BIAS 2: the bias differs by row.
// Numerics: f32 fma in ascending k; bitwise repeatable.
// Measured and tried: docs/kernels/gemm.md.
// Compile: TA=f32 TB=f32 VA=s VB=v TAIL=1 TC=f32 TBIAS=f32 TPRE=f32 VC=0 BIAS=1 ACT=any SAVE=1 GRAD=0 RES=1 CPU=1 TM=4 TV=1 GROUPS=1 SG=on | TA=f32 TB=f16 VA=k VB=v TAIL=0 TC=f32 TBIAS=f32 TPRE=f16 VC=1 BIAS=1 ACT=any SAVE=0 GRAD=1 RES=1 CPU=1 TM=16 TV=1 GROUPS=4 SG=on | TA=f32 TB=f16 VA=m VB=n TAIL=0 TC=f32 TBIAS=f32 TPRE=f32 VC=0 BIAS=1 ACT=gelu SAVE=1 GRAD=0 RES=1 CPU=0 TM=16 TV=1 GROUPS=4 SG=on | TA=f32 TB=f32 VA=s VB=s TAIL=1 TC=f32 TBIAS=f32 TPRE=f32 VC=1 BIAS=2 ACT=quickGelu SAVE=0 GRAD=1 RES=0 CPU=1 TM=4 TV=1 GROUPS=1 SG=on
#if TA == "f16" || TB == "f16" || TC == "f16" || TBIAS == "f16" || TPRE == "f16"
enable f16;
#endif
enable subgroups;
diagnostic(off, subgroup_uniformity);
#include "gemm/params.wgsl"
#include "gemm/work.wgsl"
#include "gemm/operands.wgsl"
#include "gemm/epilogue.wgsl"

// On lavapipe (8 lanes) a shuffle by a constant is one permute, while a broadcast is two and a masked move.
#let BROADCAST = SG == 8 ? "subgroupShuffle" : "subgroupBroadcast"
#let LOADS = max(1, (TM + SG - 1) / SG)
// VA "s": values along k that a lane loads for its row, where several lanes share one.
#let SHARE = VA == "s" ? 4 / max(1, min(4, SG / TM)) : 4

@compute @workgroup_size(${SG * GROUPS})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let index = wid.x + wid.y * groups.x;
  if (index >= work_count()) { return; }
  let work = work_of(index);
  let row = (work.tile_m * ${GROUPS}u + local / ${SG}u) * ${TM}u;
  let col = (work.tile_n * ${SG * TV}u + lane) * 4u;
  // A subgroup whose rows all lie below the matrix has nothing to add; the bound is the same for all its lanes, which the
  // uniformity analysis cannot see.
  let k_end = select(work.k_begin, work.k_end, row < params.m);
// Sums are a variable each, which is why loops over them are unrolled here: an array in registers can be indexed with constants only.
#for i in TM * TV
  var s${i} = vec4<f32>();
#endfor
#for t in LOADS
#if VA == "m"
  let a_offset${t} = a_row_offset(work.a_base, row + ${t * SG}u + (lane / 4u) % ${min(SG, TM) / 4}u * 4u);
#else
  let a_offset${t} = a_row_offset(work.a_base, row + ${t * SG}u + lane % ${min(SG, TM)}u);
#endif
#endfor
#for v in TV
  let b_offsets${v} = b_column_offsets(work.b_base, col + ${v * SG * 4}u);
#endfor
  for (var k = work.k_begin; k < k_end; k += 4u) {
#for t in LOADS
#if VA == "m"
    let a${t} = load_a(a_offset${t}, k + lane % 4u, work.k_end);
#elif VA == "s"
#for q in SHARE
    let a${t}_of${q} = load_a1(a_offset${t}, k + (lane / ${TM}u) % ${4 / SHARE}u * ${SHARE}u + ${q}u, work.k_end);
#endfor
#else
    let a${t} = load_a(a_offset${t}, k, work.k_end);
#endif
#endfor
#for v in TV
    let b${v} = load_b(b_offsets${v}, k, work.k_end);
#endfor
#for i in TM
#for u in 4
#if VA == "m"
    let a${i}_${u} = ${BROADCAST}(a${i / SG}.${"xyzw"[i % 4]}, ${i % SG / 4 * 4 + u}u);
#elif VA == "s"
    let a${i}_${u} = ${BROADCAST}(a${i / SG}_of${u % SHARE}, ${i % SG + u / SHARE * TM}u);
#else
    let a${i}_${u} = ${BROADCAST}(a${i / SG}.${"xyzw"[u]}, ${i % SG}u);
#endif
#for v in TV
    s${i * TV + v} = fma(vec4<f32>(a${i}_${u}), b${v}[${u}], s${i * TV + v});
#endfor
#endfor
#endfor
  }
#for v in TV
  let bias${v} = ${BIAS == 2 ? "vec4<f32>()" : "bias_at(0u, col + " + v * SG * 4 + "u)"};
#endfor
  var sums = array<vec4<f32>, ${TM * TV}>(
#for i in TM * TV
    s${i} * params.alpha + bias${i % TV},
#endfor
  );
  let count = min(${TM}u + unknown_zero(), params.m - min(row, params.m)) * ${TV}u;
#if BIAS == 2
  for (var i = 0u; i < count; i++) { sums[i] += bias_at(row + i / ${TV}u, col + (i % ${TV}u) * ${SG * 4}u); }
#endif
  // A branch that is not taken costs as much as one that is on some adapters, a loop of no rounds as one round.
#let MAY_BE_NONE = ACT == "any" && !SAVE
  let activated_count = ${MAY_BE_NONE ? "select(0u, count, params.act != 0u)" : "count"};
  for (var i = 0u; i < activated_count; i++) {
    let sum_row = row + i / ${TV}u;
    let sum_col = col + (i % ${TV}u) * ${SG * 4}u;
    store(work.c_base, sum_row, sum_col, activated(work.c_base, sum_row, sum_col, sums[i]));
  }
#if MAY_BE_NONE
  for (var i = activated_count; i < count; i++) { store(work.c_base, row + i / ${TV}u, col + (i % ${TV}u) * ${SG * 4}u, sums[i]); }
#endif
}
