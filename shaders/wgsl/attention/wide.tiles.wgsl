// Tiles of the wide attention kernels: staged operands in workgroup memory, and products of the block's rows with them.
//
// A workgroup owns ROWS rows and has THREADS invocations, TY (ty) by TX (tx). Invocation (ty, tx) holds scores of rows TM ty .. + TM - 1 with TN of the
// STEP staged rows, those 4 TX b + 4 tx .. + 3, then sums of those rows in quads tx + TX c of the head dimension.
//   ROWS     32, 64 or 128; TM = ROWS / TY is a multiple of 4
//   STEP     32 or 64 staged rows
//   TX       8 or 16 (heads of 64 only)
//   STAGES   2: each of the two operands has workgroup memory of its own (dkv: p and ds, too), and some barriers go; 1: they take turns
//   PREFETCH 1: what is staged next is fetched into registers while the products of now are formed; 0: fetched where it is staged
//   DIRECT   1: the block's rows are read from memory, where caches hold them; 0: from workgroup memory, (dq, dkv: twice) ROWS * DEPTH * 16 bytes
// Of 32 invocations neighbours differ in ty (bit 0), as in Scott Gray's SGEMM and in CUTLASS: NVIDIA reads 128 bits for two quarters of a warp at once
// where lanes i and i ^ 1 share an address. They read different vec4 of one line of workgroup memory, or the same one; the last index is exclusive-ored so
// that this holds for writes too. All 32 skip products of rows, and of staged rows, that there are not.
// Include only.
#let TY = THREADS / TX
#let TM = ROWS / TY
#let TN = STEP / TX
#let GROUPS = TM / 4
#let HALVES = TN / 4
#let FETCHES = STEP * DEPTH / THREADS
#let WARPS = THREADS / 32

// [buffer][quad d of the head dimension][4 b + row % 4][row % 32 / 4, turned by d]
var<workgroup> staged: array<array<array<array<vec4<f32>, 8>, ${STEP / 8}>, ${DEPTH}>, ${STAGES}>;
// p, or ds: [row % TM][quad of staged rows][ty, turned by the quad]
var<workgroup> p_tile: array<array<array<vec4<f32>, ${TY}>, ${STEP / 4}>, ${TM}>;
#if PASS == "dkv" && STAGES == 2
var<workgroup> ds_tile: array<array<array<vec4<f32>, ${TY}>, ${STEP / 4}>, ${TM}>;
#endif

fn turned(ty: u32, by: u32) -> u32 {
#if TY >= 8
  return ty ^ ((2u * by) & 7u);
#else
  return ty ^ (by & 2u);
#endif
}

#for x in 2
#let NAME = PASS == "dkv" ? (x == 0 ? "q" : "grad") : (x == 0 ? "k" : "v")
#let WIDEN = NAME == "grad" ? "widen_grad" : "widen"
alias Fetched_${NAME} = array<${NAME == "grad" ? "GradQuad" : "Quad"}, ${FETCHES}>;
// What invocation `thread` fetches of the STEP rows from `first` on; rows after `last` repeat it.
fn fetch_${NAME}(operand: Operand, first: u32, last: u32, thread: u32) -> Fetched_${NAME} {
  var fetched: Fetched_${NAME};
#for f in FETCHES
  {
    let row = row_of(operand, min(first + (thread + ${f * THREADS}u) / ${DEPTH}u, last));
    fetched[${f}] = load_${NAME}(row, min((thread + ${f * THREADS}u) % ${DEPTH}u, params.depth - 1u));
  }
#endfor
  return fetched;
}

// Quads beyond the head dimension become 0.
fn stage_${NAME}(fetched: Fetched_${NAME}, thread: u32) {
#for f in FETCHES
  {
    let row = (thread + ${f * THREADS}u) / ${DEPTH}u;
    let d = (thread + ${f * THREADS}u) % ${DEPTH}u;
    staged[${STAGES == 2 ? x : 0}][d][row / 32u * 4u + row % 4u][(row % 32u / 4u) ^ (d & 7u)] = select(vec4<f32>(), ${WIDEN}(fetched[${f}]), d < params.depth);
  }
#endfor
}

// Both at once.
fn load_stage_${NAME}(operand: Operand, first: u32, last: u32, thread: u32) {
#let BATCH = FETCHES < 8 ? FETCHES : 8
  for (var at = thread; at < ${STEP * DEPTH}u; at += ${BATCH * THREADS}u) {
#for f in BATCH
    let quad${f} = load_${NAME}(row_of(operand, min(first + (at + ${f * THREADS}u) / ${DEPTH}u, last)), min((at + ${f * THREADS}u) % ${DEPTH}u, params.depth - 1u));
#endfor
#for f in BATCH
    {
      let row = (at + ${f * THREADS}u) / ${DEPTH}u;
      let d = (at + ${f * THREADS}u) % ${DEPTH}u;
      staged[${STAGES == 2 ? x : 0}][d][row / 32u * 4u + row % 4u][(row % 32u / 4u) ^ (d & 7u)] = select(vec4<f32>(), ${WIDEN}(quad${f}), d < params.depth);
    }
#endfor
  }
}
#endfor

// Where TM rows of the block lie, with DIRECT=1.
struct Rows {
#for i in TM
  row${i}: u32,
#endfor
}

// Of TM rows, their products with TN staged rows, four (b) together.
struct Scores {
#for i in TM
#for b in HALVES
  row${i}_${b}: vec4<f32>,
#endfor
#endfor
}

// The block's rows of q (dkv: k), and of grad (dkv: v) if the pass needs them, and their products with the staged rows over the head dimension:
// of the first 32 staged rows only, where `few`.
#for x in PASS == "forward" ? 1 : 2
#let NAME = PASS == "dkv" ? (x == 0 ? "k" : "v") : (x == 0 ? "q" : "grad")
#let BUFFER = STAGES == 2 ? (PASS == "forward" ? 0 : x) : 0
#if DIRECT
fn ${NAME}_dot_staged(at_rows: Rows, ty: u32, tx: u32, few: bool) -> Scores {
#else
// [quad d][row % TM][row / TM, turned by d]
var<workgroup> ${NAME}_tile: array<array<array<vec4<f32>, ${TY}>, ${TM}>, ${DEPTH}>;

fn ${NAME}_dot_staged(at_rows: Rows, ty: u32, tx: u32, few: bool) -> Scores {
#endif
#for i in TM
#for b in HALVES
  var row${i}_${b} = vec4<f32>();
#endfor
#endfor
#for way in HALVES
#if HALVES == 2
#if way == 0
  if (!few) {
#else
  } else {
#endif
#endif
#let COUNT = HALVES - way
  for (var d = 0u; d < ${DEPTH}u; d++) {
    let at = (tx ^ d) & 7u;
#if TX == 16
    let high = tx / 8u * 4u;
#endif
#if DIRECT
    let quad = min(d, params.depth - 1u);
#else
    let at_row = turned(ty, d);
#endif
#for j in 4 * COUNT
    let y${j} = staged[${BUFFER}][d][${TX == 16 ? "high + " + (j / 4 * 8 + j % 4) + "u" : j}][at];
#endfor
#for i in TM
    {
#if DIRECT
      let x = ${NAME == "grad" ? "widen_grad" : "widen"}(${NAME}[at_rows.row${i} + quad]);
#else
      let x = ${NAME}_tile[d][${i}][at_row];
#endif
#for e in 4
#for b in COUNT
      row${i}_${b} = fma(vec4<f32>(x.${"xyzw"[e]}), vec4<f32>(y${4 * b}.${"xyzw"[e]}, y${4 * b + 1}.${"xyzw"[e]}, y${4 * b + 2}.${"xyzw"[e]}, y${4 * b + 3}.${"xyzw"[e]}), row${i}_${b});
#endfor
#endfor
    }
#endfor
  }
#endfor
#if HALVES == 2
  }
#endif
  return Scores(
#for i in TM
#for b in HALVES
    row${i}_${b},
#endfor
#endfor
  );
}
#endfor
