// gemm.block: register tiles over double-buffered blocks of both operands in workgroup memory, for GPUs. One template, several tile sizes.
//
// Shapes and layout: gemm/params.wgsl.
// Defines in addition to those of gemm/operands.wgsl and gemm/epilogue.wgsl
//   BM BN    rows and columns of the tile of a workgroup, multiples of 16 and 32
//   TM TN    rows and columns of the sums of an invocation, 4 or 8
//   SLICES   1, 2 or 4 invocations share the steps of a block for the same sums, and add up in the end: more invocations where tiles are few
//   THREADS  BM / TM * BN / TN * SLICES, the workgroup size; BM / TM * BN / TN is a multiple of 32
//   BUFFERS  blocks of each operand in workgroup memory: 2, or 1 where 2 exceed the limit of the device
//
// Tiling: a block has 16 steps of k. Operands are fetched in quads of 4 x 4, a quad an invocation and slot: quads of a first, then quads of b, which
// share registers. The next block is fetched before the sums of this one and stored after them, so that loads have the time of a block to arrive;
// conversions and masks wait until the store. With two buffers there is one barrier a block. Steps from the end of k on are zeros, so that the loop
// over a block has a constant length: compilers unroll it, and bounds checks and guards against endless loops go.
// In workgroup memory a block is [k / 4][k % 4][row or column] in vec4; the last index is exclusive-ored with 2 * (k / 4), so that quads along k go
// to different banks when they are stored. Indices are arrays of arrays because bounds checks of constant indices cost nothing.
// 32 invocations make a patch of 4 x 8 in the tile: their reads of a block are 4 and 8 neighbouring vec4. Neighbours in pairs read the same vec4 of b,
// so that hardware that reads 8 lanes at a time can serve 16 at once. Sums with TM = 8 are rows 4 ty .. + 3 and BM / 2 + 4 ty .. + 3, columns alike.
// Workgroup memory: BUFFERS * (BM + BN) * 64 bytes. Numerics: f32 fma in ascending k (of a slice); bitwise repeatable.
// Measured and tried: docs/kernels/gemm.md.
// Compile: BM=32 BN=32 TM=4 TN=4 THREADS=64 SLICES=1 BUFFERS=2 TA=f32 TB=f32 VA=k VB=k TAIL=1 TC=f32 TBIAS=f32 TPRE=f32 VC=1 BIAS=1 ACT=any SAVE=0 GRAD=1 RES=1 CPU=1 | BM=64 BN=128 TM=8 TN=8 THREADS=256 SLICES=2 BUFFERS=1 TA=f32 TB=f16 VA=m VB=n TAIL=0 TC=f32 TBIAS=f32 TPRE=f32 VC=0 BIAS=1 ACT=gelu SAVE=1 GRAD=0 RES=1 CPU=0 | BM=16 BN=64 TM=4 TN=4 THREADS=256 SLICES=4 BUFFERS=2 TA=f16 TB=f16 VA=s VB=s TAIL=1 TC=f32 TBIAS=f32 TPRE=f32 VC=1 BIAS=2 ACT=quickGelu SAVE=0 GRAD=1 RES=0 CPU=0 | BM=128 BN=128 TM=8 TN=8 THREADS=256 SLICES=1 BUFFERS=1 TA=f32 TB=f32 VA=k VB=n TAIL=0 TC=f32 TBIAS=f32 TPRE=f32 VC=1 BIAS=1 ACT=none SAVE=0 GRAD=0 RES=0 CPU=0
#if TA == "f16" || TB == "f16" || TC == "f16" || TBIAS == "f16" || TPRE == "f16"
enable f16;
#endif
#include "gemm/params.wgsl"
#include "gemm/work.wgsl"
#include "gemm/operands.wgsl"
#include "gemm/epilogue.wgsl"

#let SLOTS = (BM + BN + THREADS - 1) / THREADS
#let RM = TM / 4
#let RN = TN / 4
#let SUMS = TM * RN
#let SHARE = BM / TM * (BN / TN)
#for x in 2
#let NAME = x == 0 ? "a" : "b"
#let STRIPS = x == 0 ? BM / 4 : BN / 4
var<workgroup> ${NAME}_block: array<array<array<array<vec4<f32>, ${STRIPS}>, 4>, 4>, ${BUFFERS}>;
#endfor

// Where the quad of a strip (four neighbouring rows of a, or columns of b) for step quad q lies, and where it is read.
fn swizzle(strip: u32, q: u32, strips: u32) -> u32 {
  return strip ^ ((2u * q) & (min(strips, 8u) - 1u));
}

// a and b are one template: WGSL cannot pass a storage array to a function. A fetched quad: as it lies in memory, not yet converted or turned; zeros from k_end on.
#for x in 2
#let NAME = x == 0 ? "a" : "b"
#let MODE = x == 0 ? VA : VB
#let T = CPU ? "f32" : x == 0 ? TA : TB
#let STEP = x == 0 ? "params.a_col" : "params.b_row"
alias Raw_${NAME} = vec4<${T}>;
fn fetch_${NAME}(offsets: vec4<u32>, k: u32, k_end: u32) -> array<Raw_${NAME}, 4> {
  if (k >= k_end) { return array<Raw_${NAME}, 4>(); }
#if MODE == "k"
  let at = (offsets + k) / 4u;
#elif TAIL
  let steps = min(k + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(k_end - 1u)) * ${STEP};
#else
  let steps = (k + vec4<u32>(0u, 1u, 2u, 3u)) * ${STEP};
#endif
#if MODE == "m" || MODE == "n"
  let at = (offsets + steps) / 4u;
#endif
#if MODE == "s"
  return array<Raw_${NAME}, 4>(
#for i in 4
    Raw_${NAME}(${T}(${NAME}[offsets[${i}] + steps.x]), ${T}(${NAME}[offsets[${i}] + steps.y]), ${T}(${NAME}[offsets[${i}] + steps.z]), ${T}(${NAME}[offsets[${i}] + steps.w])),
#endfor
  );
#elif CPU
  return array<Raw_${NAME}, 4>(${NAME}_at(at.x), ${NAME}_at(at.y), ${NAME}_at(at.z), ${NAME}_at(at.w));
#else
  return array<Raw_${NAME}, 4>(${NAME}[at.x], ${NAME}[at.y], ${NAME}[at.z], ${NAME}[at.w]);
#endif
}

// One vector of four rows (columns of b) for each of the four steps from k on; 0 from k_end on.
fn steps_${NAME}(raw: array<Raw_${NAME}, 4>, k: u32, k_end: u32) -> mat4x4<f32> {
#if MODE == "m" || MODE == "n"
  let x = mat4x4<f32>(vec4<f32>(raw[0]), vec4<f32>(raw[1]), vec4<f32>(raw[2]), vec4<f32>(raw[3]));
#else
  let x = transpose(mat4x4<f32>(vec4<f32>(raw[0]), vec4<f32>(raw[1]), vec4<f32>(raw[2]), vec4<f32>(raw[3])));
#endif
#if TAIL
  return mat4x4<f32>(
#for u in 4
    select(vec4<f32>(), x[${u}], k + ${u}u < k_end),
#endfor
  );
#else
  return x;
#endif
}
#endfor

// The offsets of rows row .. row + 3 of a at k = 0, as b_column_offsets has them of columns of b.
fn a_row_offsets(base: u32, row: u32) -> vec4<u32> {
#if VA == "m"
  return vec4<u32>(a_row_offset(base, row));
#else
  return vec4<u32>(a_row_offset(base, row), a_row_offset(base, row + 1u), a_row_offset(base, row + 2u), a_row_offset(base, row + 3u));
#endif
}

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32) {
  let index = wid.x + wid.y * groups.x;
  if (index >= work_count()) { return; }
  let work = work_of(index);
  let row = work.tile_m * ${BM}u;
  let col = work.tile_n * ${BN}u;
  let share = local % ${SHARE}u;
  let patch_index = share / 32u;
  let lane = local % 32u;
  let ty = patch_index / ${BN / TN / 8}u * 4u + lane / 16u * 2u + lane % 2u;
  let tx = patch_index % ${BN / TN / 8}u * 8u + lane / 2u % 8u;
  let first_quad = ${SLICES == 1 ? "0u" : "local / " + SHARE + "u * " + 4 / SLICES + "u"};
// Quads and sums are a variable each, which is why loops over them are unrolled here: an array in registers can be indexed with constants only.
#for p in SLOTS
#let FIRST = p * THREADS
#let HAS_A = FIRST < BM
#let HAS_B = FIRST + THREADS > BM
  // The quad that this invocation fetches in slot ${p}: neighbours follow the direction in which the operand is contiguous.
  var offsets${p}: vec4<u32>;
  var strip${p}: u32;
  var q${p}: u32;
#for x in 2
#let NAME = x == 0 ? "a" : "b"
#let STRIPS = x == 0 ? BM / 4 : BN / 4
#if x == 0 ? HAS_A : HAS_B
  let ${NAME}_quad${p} = local + ${FIRST}u${x == 0 ? "" : " - " + BM + "u"}; // wraps where a slot begins with quads of a
  let in_${NAME}${p} = ${NAME}_quad${p} < ${4 * STRIPS}u;
  if (in_${NAME}${p}) {
#if x == 0 ? VA == "m" : VB == "n"
    strip${p} = ${NAME}_quad${p} % ${STRIPS}u;
    q${p} = ${NAME}_quad${p} / ${STRIPS}u;
#else
    strip${p} = ${NAME}_quad${p} / 4u;
    q${p} = ${NAME}_quad${p} % 4u;
#endif
#if x == 0
    offsets${p} = a_row_offsets(work.a_base, row + strip${p} * 4u);
#elif VB == "n"
    offsets${p} = vec4<u32>(b_column_offsets(work.b_base, col + strip${p} * 4u).x);
#else
    offsets${p} = b_column_offsets(work.b_base, col + strip${p} * 4u);
#endif
  }
#endif
#endfor
  // An invocation has a quad of one of them: of one type, both take the same registers.
#let ALIKE = CPU || TA == TB
#if HAS_A || ALIKE
  var raw_a${p}: array<${HAS_A ? "Raw_a" : "Raw_b"}, 4>;
#endif
#if HAS_B && !ALIKE
  var raw_b${p}: array<Raw_b, 4>;
#endif
#endfor
#for i in SUMS
  var s${i} = vec4<f32>();
#endfor
  let blocks = select(0u, (work.k_end - work.k_begin + 15u) / 16u, work.k_end > work.k_begin);
  // Step t fetches and stores block t, and sums block t - 1.
  for (var t = 0u; t <= blocks; t++) {
    let k = work.k_begin + t * 16u;
    if (t < blocks) {
#for p in SLOTS
#for x in 2
#let NAME = x == 0 ? "a" : "b"
#if x == 0 ? p * THREADS < BM : p * THREADS + THREADS > BM
#let RAW = x == 0 || CPU || TA == TB ? "raw_a" : "raw_b"
      if (in_${NAME}${p}) { ${RAW}${p} = fetch_${NAME}(offsets${p}, k + q${p} * 4u, work.k_end); }
#endif
#endfor
#endfor
    }
    if (t > 0u) {
#let READ = BUFFERS == 2 ? "(t + 1u) % 2u" : "0"
      for (var quad = 0u; quad < ${4 / SLICES}u; quad++) {
        let q = first_quad + quad;
        let ya = swizzle(ty, q, ${BM / 4}u);
        let xb = swizzle(tx, q, ${BN / 4}u);
#if CPU
        for (var u = 0u; u < 4u; u++) {
#endif
#for step in CPU ? 1 : 4
#let U = CPU ? "u" : "" + step + "u"
#if !CPU
        {
#endif
#for i in RM
          let a${i} = a_block[${READ}][q][${U}][ya + ${i * BM / 8}u];
#endfor
#for j in RN
          let b${j} = b_block[${READ}][q][${U}][xb + ${j * BN / 8}u];
#endfor
#for i in TM
#for j in RN
          s${i * RN + j} = fma(vec4<f32>(a${i / 4}.${"xyzw"[i % 4]}), b${j}, s${i * RN + j});
#endfor
#endfor
        }
#endfor
      }
    }
#if BUFFERS == 1
    workgroupBarrier();
#endif
    if (t < blocks) {
#let WRITE = BUFFERS == 2 ? "t % 2u" : "0"
#for p in SLOTS
#for x in 2
#let NAME = x == 0 ? "a" : "b"
#let STRIPS = x == 0 ? BM / 4 : BN / 4
#if x == 0 ? p * THREADS < BM : p * THREADS + THREADS > BM
      if (in_${NAME}${p}) {
#let RAW = x == 0 || CPU || TA == TB ? "raw_a" : "raw_b"
        let steps = steps_${NAME}(${RAW}${p}, k + q${p} * 4u, work.k_end);
        let strip = swizzle(strip${p}, q${p}, ${STRIPS}u);
#for u in 4
        ${NAME}_block[${WRITE}][q${p}][${u}][strip] = steps[${u}];
#endfor
      }
#endif
#endfor
#endfor
    }
    workgroupBarrier();
  }
#if SLICES > 1
  // The other slices hand their sums to the first, as many at a time as the blocks of b have room for.
#let ROOM = BUFFERS * 4 * BN / SHARE < SUMS ? BUFFERS * 4 * BN / SHARE : SUMS
  let slice = local / ${SHARE}u;
  for (var other = 1u; other < ${SLICES}u; other++) {
#for round in SUMS / ROOM
#for take in 2
    if (slice == ${take ? "0u" : "other"}) {
#for i in ROOM
      {
        let at = ${i * SHARE}u + share;
#let PLACE = "b_block[at / " + 4 * BN + "u][at / " + BN + "u % 4u][at / " + BN / 4 + "u % 4u][at % " + BN / 4 + "u]"
        ${take ? "s" + (round * ROOM + i) + " += " + PLACE : PLACE + " = s" + (round * ROOM + i)};
      }
#endfor
    }
    workgroupBarrier();
#endfor
#endfor
  }
  if (slice > 0u) { return; }
#endif
#if CPU
  var sums = array<vec4<f32>, ${SUMS}>(
#for i in SUMS
    s${i},
#endfor
  );
  for (var i = 0u; i < ${SUMS}u + unknown_zero(); i++) {
    emit(work.c_base, row + i / ${4 * RN}u * ${BM / 2}u + ty * 4u + i / ${RN}u % 4u, col + i % ${RN}u * ${BN / 2}u + tx * 4u, sums[i]);
  }
#else
#for i in SUMS
  emit(work.c_base, row + ${i / (4 * RN) * (BM / 2)}u + ty * 4u + ${i / RN % 4}u, col + ${i % RN * (BN / 2)}u + tx * 4u, s${i});
#endfor
#endif
}
