// reduce: result[chunk, o] = FINISH of the combination of MAP(x) over a chunk of the elements that belong to output o.
// Layout: kept dimensions as sizes and strides, the reduced ones merged into one stride. Several chunks: partial results [chunks, outputs],
// which a second pass reduces.
//
// Defines: T storage and A arithmetic type (vec2 or vec4 of f32: several sums at once, which FINISH makes one number of); TR result type; OP sum, prod, max, min; MAP of x (and center, one for each output, if CENTER);
// FINISH of a and n. The kernel appends math.wgsl where they call it, or floats are compared, and reduce.moments.wgsl for several sums; VARIANT
//   thread:   one thread an output and chunk, neighbours along the outputs (coalesced for columns; no barrier);
//   few:      the same in workgroups of 8, best on CPU adapters;
//   subgroup: one subgroup, lanes along the chunk, combined by shuffles;
//   tree:     64 threads along the chunk, combined in workgroup memory; needs no more than default limits.
// Numerics: f32, elements are combined in blocks of 32 and blocks in order, so that long sums keep their low bits; no atomics: the
// order is fixed, and so are the bits.
// Compile: T=f32 A=f32 TR=f32 OP=sum MAP=x FINISH=a CENTER=0 VARIANT=thread | T=f32 A=f32 TR=f32 OP=sum MAP=x FINISH=a CENTER=0 VARIANT=few | T=i32 A=i32 TR=i32 OP=max MAP=x FINISH=a CENTER=0 VARIANT=tree | T=f32 A=f32 TR=f32 OP=sum MAP=x FINISH=a CENTER=0 VARIANT=subgroup SG=on | T=f16 A=vec2f TR=vec2f OP=sum MAP=x FINISH=a CENTER=0 VARIANT=tree | T=vec4f A=vec4f TR=vec4f OP=sum MAP=x FINISH=a CENTER=0 VARIANT=few
#if T == "f16" || TR == "f16"
enable f16;
#endif
#if VARIANT == "subgroup"
enable subgroups;
#endif
alias A = ${A};
#let ELEMENT = A == T || A == "f32" || A == "i32" || A == "u32" ? A : "f32"

#include "reduce.params.wgsl"

@group(0) @binding(0) var<storage, read> x_values: array<${T}>;
@group(0) @binding(1) var<storage, read_write> result: array<${TR}>;
#if CENTER
@group(0) @binding(2) var<storage, read> centers: array<f32>;
#endif
@group(0) @binding(3) var<uniform> params: Params;

#let WG = VARIANT == "few" ? 8 : VARIANT == "subgroup" ? SG : 64
#let LANES = VARIANT == "tree" ? 64 : VARIANT == "subgroup" ? SG : 1

fn initial() -> A {
#if OP == "sum"
  return A(0);
#elif OP == "prod"
  return A(1);
#elif A == "f32"
  return ${OP == "max" ? "-" : ""}math_infinity();
#elif A == "i32"
  return ${OP == "max" ? "-2147483647 - 1" : "2147483647"};
#else
  return ${OP == "max" ? "0u" : "4294967295u"};
#endif
}
fn combine(a: A, b: A) -> A {
#if OP == "sum"
  return a + b;
#elif OP == "prod"
  return a * b;
#elif A == "f32"
  return ${OP == "max" ? "math_maximum" : "math_minimum"}(a, b);
#else
  return ${OP}(a, b);
#endif
}
fn map(x: A, center: A) -> A { return ${MAP}; }

#if VARIANT == "tree"
var<workgroup> lanes: array<A, 64>;
#endif

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = wid.x + wid.y * groups.x;
#if VARIANT == "thread" || VARIANT == "few"
  let task = group * ${WG}u + local;
  let lane = 0u;
#else
  let task = group;
  let lane = local;
#endif
  let count = params.outputs * params.chunks;
  let bounded = min(task, count - 1u);
  let output = bounded % params.outputs;
  var rest = output;
  var at = params.offset;
#let AT = "at"
#let STRIDES = "strides"
#let WALK_TWO = 0
#include "index.walk.wgsl"
#if CENTER
  let center = A(${ELEMENT}(centers[output]));
#else
  let center = A(0);
#endif
  let begin = (bounded / params.outputs) * params.chunk;
  let end = min(begin + params.chunk, params.length);
  var total = initial();
  var i = begin + lane;
  while (i < end) {
    var block = initial();
    let stop = min(end, i + ${32 * LANES}u);
    for (; i < stop; i += ${LANES}u) {
      block = combine(block, map(A(${ELEMENT}(x_values[at + i * params.stride])), center));
    }
    total = combine(total, block);
  }
#if VARIANT == "subgroup"
#let OFFSET = 128
#for step in 7
#let OFFSET = OFFSET / 2
#if OFFSET < SG
  total = combine(total, subgroupShuffleXor(total, ${OFFSET}u));
#endif
#endfor
#elif VARIANT == "tree"
  lanes[lane] = total;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half = half / 2u) {
    if (lane < half) { lanes[lane] = combine(lanes[lane], lanes[lane + half]); }
    workgroupBarrier();
  }
  total = lanes[0];
#endif
  if (task < count && lane == 0u) {
    let a = total;
    let n = params.n;
    result[task] = ${TR}(${FINISH});
  }
}
