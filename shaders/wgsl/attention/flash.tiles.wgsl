// Tiles of the flash attention kernels: a staged operand in workgroup memory, and products of the block's rows with it.
//
// A workgroup owns ROWS rows and has THREADS = 2 * ROWS invocations, ROWS / 4 (ty) by 8 (tx). Invocation (ty, tx) holds scores of rows 4 ty .. + 3
// with staged rows 4 tx .. + 3. Neighbours differ in ty (bit 0), as in Scott Gray's SGEMM and in CUTLASS: NVIDIA reads 128 bits for two quarters of a
// warp at once where lanes i and i ^ 1 share an address. The operand of attention/rows.wgsl is staged STEP rows at a time, fetched ahead into registers.
// Quad d of staged row r lies at d ^ (r / 4), so that the invocations that read 32 rows side by side, and those that read 8 quads of one, meet different
// banks.
// Include only.
#include "attention/fetch.wgsl"

var<workgroup> staged: array<array<vec4<f32>, ${DEPTH}>, ${STEP}>;
var<workgroup> p_tile: array<array<vec4<f32>, ${STEP / 4}>, ${ROWS}>; // p, or ds, of the block's rows with the staged ones

// Quad q of rows 4 ty .. + 3 of the block lies at q ^ turn(ty): invocations that read together have two neighbouring ty.
fn turn(ty: u32) -> u32 {
  return (ty & 1u) * 4u;
}

// Quads beyond the head dimension become 0.
#for x in PASS == "dkv" ? 2 : 1
fn ${x == 0 ? "stage" : "stage_grad"}(fetched: ${x == 0 ? "Fetched" : "FetchedGrad"}, thread: u32) {
#for f in FETCHES
  {
    let row = (thread + ${f * THREADS}u) / ${DEPTH}u;
    let d = (thread + ${f * THREADS}u) % ${DEPTH}u;
    staged[row][d ^ (row / 4u)] = select(vec4<f32>(), ${x == 0 ? "widen" : "widen_grad"}(fetched[${f}]), d < params.depth);
  }
#endfor
}
#endfor

// 4 rows of the block by 4 staged rows.
struct Scores {
#for i in 4
  row${i}: vec4<f32>,
#endfor
}

// The block's rows of q (dkv: k), and of grad (dkv: v) if the pass needs them, and their products with the staged rows over the head dimension.
#for x in PASS == "forward" ? 1 : 2
#let NAME = PASS == "dkv" ? (x == 0 ? "k" : "v") : (x == 0 ? "q" : "grad")
var<workgroup> ${NAME}_tile: array<array<vec4<f32>, ${DEPTH}>, ${ROWS}>;

fn ${NAME}_dot_staged(ty: u32, tx: u32) -> Scores {
#for i in 4
  var row${i} = vec4<f32>();
#endfor
  for (var d = 0u; d < ${DEPTH}u; d++) {
    let at = d ^ tx;
#for j in 4
    let y${j} = staged[4u * tx + ${j}u][at];
#endfor
#for i in 4
    {
      let x = ${NAME}_tile[4u * ty + ${i}u][d ^ turn(ty)];
#for e in 4
      row${i} = fma(vec4<f32>(x.${"xyzw"[e]}), vec4<f32>(y0.${"xyzw"[e]}, y1.${"xyzw"[e]}, y2.${"xyzw"[e]}, y3.${"xyzw"[e]}), row${i});
#endfor
    }
#endfor
  }
  return Scores(row0, row1, row2, row3);
}
#endfor
