// Shared by the flash attention kernels: the quads that an invocation fetches for the step from `first` on of operands FETCH_0 and FETCH_1: keys and values,
// those of a prefix (PREFIX) first, or queries and output gradients. Rows after `last` repeat it.
// Include only.
#for x in 2
#let NAME = x == 0 ? FETCH_0 : FETCH_1
#let SHARED = x == 0 ? "prefixK" : "prefixV"
#if PREFIX
fn fetch_${NAME}(first: u32, last: u32, lane: u32, base: u32, prefixBase: u32, shift: u32) -> Fetched {
#else
fn fetch_${NAME}(first: u32, last: u32, lane: u32, base: u32) -> Fetched {
#endif
  var fetched: Fetched;
#for f in FETCHES
  {
    let row = min(first + (lane + ${f * THREADS}u) / ${DEPTH}u, last);
    let d = min((lane + ${f * THREADS}u) % ${DEPTH}u, params.depth - 1u);
#if PREFIX
    // Both loads, then a choice: branches around loads take minutes to compile on SwiftShader.
    let after = ${NAME}[base + (max(row, shift) - shift) * params.${NAME}.z + d];
    fetched[${f}] = select(after, prefix[prefixBase + min(row, shift - 1u) * params.${SHARED}.z + d], row < shift);
#else
    fetched[${f}] = ${NAME}[base + row * params.${NAME}.z + d];
#endif
  }
#endfor
  return fetched;
}
#endfor
