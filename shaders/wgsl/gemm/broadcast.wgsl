// gemm.broadcast: a register tile per subgroup, fed by subgroup broadcasts. The default of CPU adapters.
//
// Tiling: a subgroup of SG lanes owns TM rows x (4 * SG * TV) columns; lane l holds 4 columns (x TV) of every row, that is
// TM * TV vec4 sums. GROUPS subgroups of a workgroup are stacked along m and share the columns of b in cache.
// Step of 4 along k: every lane loads something different once (a load with a run-time address is a gather per lane on these
// adapters, even where all lanes ask for the same word): its 4 columns of b (4 vec4, transposed in registers if they lie along
// k) and its share of the TM rows of a, which reaches the others by broadcast.
//   VA "k": lane l loads row (t * SG + l), t < max(1, TM / SG)
//   VA "m": lane l loads rows t * SG + 4 * (l / 4) .. + 3 at k + l % 4
//   VA "s": as "k", in loads of one value; lanes that share a row share its 4 values, too
// No barrier, no workgroup memory. The sums leave through an array that is indexed in a loop, which keeps the epilogue (an
// activation, say) once in the code rather than TM times: compiling is what costs on these adapters.
// TM and TV are chosen by plan.ts: 4 rows for narrow products, else 24 (8 lanes) or 16; TV = 2 at 4 lanes. BIAS 2: the bias differs by row.
// Numerics: f32 fma in ascending k; bitwise repeatable.
// Measured, GFLOP/s of 2 cores from the processor time of the kernel's threads (a shared machine: +-5 %, and the same code runs up to 10 %, seldom
// 25 %, slower at some addresses: compare several compilations), f32, C = A x B, M x N x K:
//                                       A Bt   A B   At B
//   lavapipe (Mesa 25.0, 8 lanes, AMD EPYC 9004; its peak of multiply-adds is 160 on the same cores)
//     512 x 512 x 512,   TM 24            53    55     55
//     197 x 768 x 768,   TM 24            51
//     60 x 512 x 2048,   TM 24                  45
//     804 x 3072 x 768,  TM 24            55
//     68 x 512 x 128,    TM 24            40
//     8 x 2048 x 512,    TM 4             20
//     512 x 512 x 512,   f16 weights      58                  (as scalars of 16 bits: 50); both operands f16 63
//     for comparison, 512 x 512 x 512: gemm.plain 8, gemm.tile 6 (A Bt)
//   SwiftShader 5 (4 lanes), 256 x 256 x 256, TM 16, TV 2
//                                        6.5   6.6    6.5
// Where the rest goes on lavapipe (disassembled, 24 x 32 tile, one step of 4 along k, some 900 cycles a core): half of the time are the 7 loads.
// Mesa checks the bounds of each scalar of a storage buffer on its own: 8 instructions and a taken branch a scalar, 336 a vec4 of 8 lanes, 2350
// a step, against 768 multiplications and additions (a WGSL fma is two instructions there). A loop without loads reaches 105 to 120: sums live on
// the stack and are blended with the loop's mask. What a loop computes it computes each time: addresses of lines before it gave 3 to 13 %.
// Tried, no gain: TM 16, 20, 32 (0.92, 0.94, 0.8 of the speed), TM 40 with steps of 4 (0.96) or 2 (a quarter fewer scalars, but sums pass through
// the mask twice as often: same), steps of 2 with TM 48 or TV 2 (0.95), steps of 1 with TM 48, TV 2 or TM 64 or 96 (0.65), sums of a step in
// temporaries of their own (0.98), all rows for one k after the other (0.97), 8 steps of k (the loop outgrows the 32 KiB of instruction cache: a
// third of the speed), loads of single values for both operands (0.75), textures instead of buffers (loads without branches, but a call each),
// 16 lanes of AVX-512 (LP_NATIVE_VECTOR_WIDTH=512, TM 32: 55, but 3 s to compile, and textures give wrong values), workgroup memory (6), 1 or 2 subgroups a workgroup (same).
// What is left: values that a lane keeps for itself in workgroup memory (no barrier, no bounds) read at a third of the price. Were they there for
// nothing, b from it would reach 60, a 53, both 64 to 72 (b from a private array: 53). A panel of b kept over many rows must pay for filling it and
// for setting the sums of all those rows aside at every panel.
// Compile: TA=f32 TB=f32 VA=s VB=v TAIL=1 TC=f32 TBIAS=f32 VC=0 BIAS=1 ACT=any SAVE=1 GRAD=0 RES=1 CPU=1 TM=4 TV=1 GROUPS=1 SG=on | TA=f32 TB=f32 VA=k VB=v TAIL=0 TC=f32 TBIAS=f32 VC=1 BIAS=1 ACT=any SAVE=0 GRAD=1 RES=1 CPU=1 TM=16 TV=1 GROUPS=4 SG=on | TA=f32 TB=f16 VA=m VB=n TAIL=0 TC=f32 TBIAS=f32 VC=0 BIAS=1 ACT=gelu SAVE=1 GRAD=0 RES=1 CPU=0 TM=16 TV=1 GROUPS=4 SG=on | TA=f32 TB=f32 VA=s VB=s TAIL=1 TC=f32 TBIAS=f32 VC=1 BIAS=2 ACT=quickGelu SAVE=0 GRAD=1 RES=0 CPU=1 TM=4 TV=1 GROUPS=1 SG=on
#if TA == "f16" || TB == "f16" || TC == "f16" || TBIAS == "f16"
enable f16;
#endif
enable subgroups;
diagnostic(off, subgroup_uniformity);
#include "gemm/load.wgsl"

// On lavapipe (8 lanes) a shuffle by a constant is one permute, while a broadcast is two and a masked move.
#let HAND_ON = SG == 8 ? "subgroupShuffle" : "subgroupBroadcast"
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
#for i in TM * TV
  var s${i} = vec4<f32>();
#endfor
#for t in LOADS
#if VA == "m"
  let line${t} = line_a(work.a_base, row + ${t * SG}u + (lane / 4u) % ${min(SG, TM) / 4}u * 4u);
#else
  let line${t} = line_a(work.a_base, row + ${t * SG}u + lane % ${min(SG, TM)}u);
#endif
#endfor
#for v in TV
  let lines${v} = lines_b(work.b_base, col + ${v * SG * 4}u);
#endfor
  for (var k = work.k_begin; k < k_end; k += 4u) {
#for t in LOADS
#if VA == "m"
    let a${t} = load_a(line${t}, k + lane % 4u, work.k_end);
#elif VA == "s"
#for q in SHARE
    let a${t}_of${q} = load_a1(line${t}, k + (lane / ${TM}u) % ${4 / SHARE}u * ${SHARE}u + ${q}u, work.k_end);
#endfor
#else
    let a${t} = load_a(line${t}, k, work.k_end);
#endif
#endfor
#for v in TV
    let b${v} = load_b(lines${v}, k, work.k_end);
#endfor
#for i in TM
#for u in 4
#if VA == "m"
    let a${i}_${u} = ${HAND_ON}(a${i / SG}.${"xyzw"[i % 4]}, ${i % SG / 4 * 4 + u}u);
#elif VA == "s"
    let a${i}_${u} = ${HAND_ON}(a${i / SG}_of${u % SHARE}, ${i % SG + u / SHARE * TM}u);
#else
    let a${i}_${u} = ${HAND_ON}(a${i / SG}.${"xyzw"[u]}, ${i % SG}u);
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
#let MAYBE = ACT == "any" && !SAVE
  let bent = ${MAYBE ? "select(0u, count, params.act != 0u)" : "count"};
  for (var i = 0u; i < bent; i++) {
    let line = row + i / ${TV}u;
    let quad = col + (i % ${TV}u) * ${SG * 4}u;
    store(work.c_base, line, quad, finish(work.c_base, line, quad, sums[i]));
  }
#if MAYBE
  for (var i = bent; i < count; i++) { store(work.c_base, row + i / ${TV}u, col + (i % ${TV}u) * ${SG * 4}u, sums[i]); }
#endif
}
