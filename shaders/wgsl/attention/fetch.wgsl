// What an invocation of the tiled attention kernels fetches ahead into registers: its quads of the STEP rows of an operand of attention/rows.wgsl that a
// workgroup of THREADS invocations stages at a time. Needs PASS, STEP, DEPTH and THREADS.
// Include only.
#let FETCHES = STEP * DEPTH / THREADS
alias Fetched = array<Quad, ${FETCHES}>;
#if PASS == "dkv"
alias FetchedGrad = array<GradQuad, ${FETCHES}>;
#endif

// What invocation `thread` fetches of the STEP rows from `first` on; rows after `last` repeat it.
#for x in 2
#let NAME = PASS == "dkv" ? (x == 0 ? "q" : "grad") : (x == 0 ? "k" : "v")
#let FETCHED = NAME == "grad" ? "FetchedGrad" : "Fetched"
fn fetch_${NAME}(operand: Operand, first: u32, last: u32, thread: u32) -> ${FETCHED} {
  var fetched: ${FETCHED};
#for f in FETCHES
  {
    let row = row_of(operand, min(first + (thread + ${f * THREADS}u) / ${DEPTH}u, last));
    fetched[${f}] = load_${NAME}(row, min((thread + ${f * THREADS}u) % ${DEPTH}u, params.depth - 1u));
  }
#endfor
  return fetched;
}
#endfor
