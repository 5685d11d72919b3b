// rows: how threads share the rows of a matrix [rows, width]; the first lines of every row kernel (norms, softmax, losses).
// Include only.
//
// ROWS "row": a thread has a row of its own (CPU adapters: no exchange at all). "subgroup": a subgroup shares a row. "workgroup": 64
// threads share a row through workgroup memory (WebGPU's default limits, no subgroups, rows of tens of thousands of elements). Loops over a row
// read `for (var i = lane; i < params.width; i += LANES)`; row_sum and row_max give every thread of the row the same number. Sums take BLOCK
// elements at a time and add up the sums of the blocks: so that no term is lost to rounding in the sum of a long row.
// V 4: rows are read as vec4s, widths, offsets and strides count them; V 1: single elements.
#if T == "f16" || W == "f16"
enable f16;
#endif
#if ROWS == "subgroup"
enable subgroups;
#endif

#if V == 4
alias Value = vec4<f32>;
alias Stored = vec4<${T}>;
alias StoredWeight = vec4<${W}>;
fn total(v: Value) -> f32 { return (v.x + v.y) + (v.z + v.w); }
fn highest(v: Value) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }
#else
alias Value = f32;
alias Stored = ${T};
alias StoredWeight = ${W};
fn total(v: Value) -> f32 { return v; }
fn highest(v: Value) -> f32 { return v; }
#endif

var<private> lane: u32;

#if ROWS == "row"
#let SIZE = 16
const LANES = 1u;
const BLOCK = 0x40000000u; // the whole row: rows.ts gives one thread short rows only
fn start_row(group: u32, local: u32) -> u32 {
  lane = 0u;
  return group * 16u + local;
}
fn row_sum(x: f32) -> f32 { return x; }
fn row_max(x: f32) -> f32 { return x; }
#elif ROWS == "subgroup"
#let SIZE = 4 * SG
const LANES = ${SG}u;
const BLOCK = 64u * LANES;
fn start_row(group: u32, local: u32) -> u32 {
  lane = local % LANES;
  return group * 4u + local / LANES;
}
fn row_sum(x: f32) -> f32 { return subgroupAdd(x); }
fn row_max(x: f32) -> f32 { return subgroupMax(x); }
#else
#let SIZE = 64
const LANES = 64u;
const BLOCK = 64u * LANES;
var<workgroup> shared_values: array<f32, 64>;
fn start_row(group: u32, local: u32) -> u32 {
  lane = local;
  return group;
}
fn row_sum(x: f32) -> f32 {
  shared_values[lane] = x;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half >>= 1u) {
    if (lane < half) { shared_values[lane] += shared_values[lane + half]; }
    workgroupBarrier();
  }
  let sum = shared_values[0];
  workgroupBarrier();
  return sum;
}
fn row_max(x: f32) -> f32 {
  shared_values[lane] = x;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half >>= 1u) {
    if (lane < half) { shared_values[lane] = max(shared_values[lane], shared_values[lane + half]); }
    workgroupBarrier();
  }
  let most = shared_values[0];
  workgroupBarrier();
  return most;
}
#endif
