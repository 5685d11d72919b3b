// Shared by the flash attention kernels: STEP rows of an operand in workgroup memory, fetched ahead into registers. A staged row lies with its quads
// exclusive-ored with its number / 4, so that the 8 invocations that read 32 rows side by side, and those that read 8 quads of one, meet different banks.
// Include only.
#let FETCHES = STEP * DEPTH / THREADS
var<workgroup> staged: array<array<vec4<f32>, ${DEPTH}>, ${STEP}>;
var<workgroup> factors: array<array<vec4<f32>, ${STEP / 4}>, ${ROWS}>;

alias Fetched = array<Quad, ${FETCHES}>;

// Quads beyond the head dimension become 0.
fn stage(fetched: Fetched, lane: u32, depth: u32) {
#for f in FETCHES
  {
    let row = (lane + ${f * THREADS}u) / ${DEPTH}u;
    let d = (lane + ${f * THREADS}u) % ${DEPTH}u;
    staged[row][d ^ (row / 4u)] = select(vec4<f32>(), widen(fetched[${f}]), d < depth);
  }
#endfor
}
