// Attention forward, for GPUs: keys and values staged in workgroup memory for many query rows.
//
// Shapes   as attention/forward.wgsl, as are layout, parameters, masks and what is written.
// Tiling   one workgroup of 2 * ROWS invocations owns ROWS query rows of one head and takes 32 keys a step. An invocation (ty, tx) holds scores of
//          rows 4 ty .. + 3 with keys 4 tx .. + 3, then sums of those rows in quads tx + 8 c of the head dimension. Keys of a step, then its values
//          are in `staged`; while one is in use the next are fetched into registers. Maxima cross the 8 invocations of a row through workgroup memory,
//          so no subgroups are needed. 512 * DEPTH + 16 * ROWS * (DEPTH + 10) bytes of it: 21 KiB for 32 rows and a head dimension of 64, 34 for 64.
// Numerics f32 throughout, online softmax in base 2 over maxima no lower than the lowest float; hidden keys and scores of minus infinity have no weight.
//          A row without any other gives 0 and lse = 1e30.
// Measured H100 (bench/results/gpu-nvidia-h100-tuning.json), 8 heads of 64: 2 x 197 tokens 34 us with 32 rows, 35 with 64 (subgroup form 107, its tile
//          variant 77); 577 tokens 75 and 73 (284, 204); packed short sequences 21 (23, 20).
// Compile: T=f32 OUT=f32 ROWS=32 DEPTH=16 PREFIX=1 BYTES=21504 | T=f16 OUT=f16 ROWS=64 DEPTH=8 PREFIX=0
struct Params {
  q: vec4<u32>,       // offset, batch stride, row stride, head stride
  k: vec4<u32>,
  v: vec4<u32>,
  prefixK: vec4<u32>,
  prefixV: vec4<u32>,
  out: vec4<u32>,
  lse: vec4<u32>,     // in elements
  queries: u32,
  keys: u32,
  prefix: u32,
  depth: u32,         // head dimension / 4
  blocks: u32,        // entries of the row block table; 0: dense rows
  ahead: u32,        // keys behind its own row that a query sees: 0 if causal, else more than there are
  apart: u32,        // 0
  scale: f32,         // of the scores, times log2(e)
}

#let SLICE = 4
#include "attention/storage.wgsl"

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<Quad>;
@group(0) @binding(2) var<storage, read> k: array<Quad>;
@group(0) @binding(3) var<storage, read> v: array<Quad>;
@group(0) @binding(4) var<storage, read_write> out: array<Slice>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
@group(0) @binding(6) var<storage, read> blocks: array<vec4<u32>>;
#if PREFIX
@group(0) @binding(7) var<storage, read> prefix: array<Quad>; // keys and values of the prefix in one buffer
#endif

#let STEP = 32
#let THREADS = 2 * ROWS
#include "attention/flash.stage.wgsl"
var<workgroup> q_tile: array<array<vec4<f32>, ${DEPTH}>, ${ROWS}>;
// Of every invocation, its four rows: maxima, in the end sums.
var<workgroup> parts: array<array<vec4<f32>, 8>, ${ROWS / 4}>;

#let FETCH_0 = "k"
#let FETCH_1 = "v"
#include "attention/flash.fetch.wgsl"

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#let TILE = 1
#let LANES = THREADS
#let COLUMNS = 0
#include "attention/place.wgsl"
  let lseBase = params.lse.x + batch * params.lse.y + start * params.lse.z + head * params.lse.w;
  let ty = lane / 8u;
  let tx = lane % 8u;
  for (var i = lane; i < ${ROWS * DEPTH}u; i += ${THREADS}u) {
    let row = qBase + min(rowStart + i / ${DEPTH}u, max(count, 1u) - 1u) * params.q.z;
    let d = i % ${DEPTH}u;
    q_tile[i / ${DEPTH}u][d] = select(vec4<f32>(), params.scale * widen(q[row + min(d, params.depth - 1u)]), d < params.depth);
  }
  let ends = min(vec4<u32>(limit), vec4<u32>(shift + rowStart + 4u * ty + params.ahead) + vec4<u32>(1u, 2u, 3u, 4u));
  var m = vec4<f32>(-3.4028234e38);
  var l = vec4<f32>();
#for i in 4
#for c in DEPTH / 8
  var acc${i}_${c} = vec4<f32>();
#endfor
#endfor
#if PREFIX
#let PLACE_K = "kBase, prefixKBase, shift"
#let PLACE_V = "vBase, prefixVBase, shift"
#else
#let PLACE_K = "kBase"
#let PLACE_V = "vBase"
#endif
  let last = max(limit, 1u) - 1u;
  var k_next = fetch_k(0u, last, lane, ${PLACE_K});
  var v_next = fetch_v(0u, last, lane, ${PLACE_V});
  for (var step = 0u; step < limit; step += ${STEP}u) {
    stage(k_next, lane, params.depth);
    workgroupBarrier();
#let FROM = "q_tile"
#let INTO = "qk"
#include "attention/flash.dot.wgsl"
    let key = vec4<u32>(step + 4u * tx) + vec4<u32>(0u, 1u, 2u, 3u);
#for i in 4
    let seen${i} = key < vec4<u32>(ends[${i}]);
    qk${i} = select(vec4<f32>(-3.4028234e38), qk${i}, seen${i});
    let most${i} = max(max(qk${i}.x, qk${i}.y), max(qk${i}.z, qk${i}.w));
#endfor
    parts[ty][tx] = vec4<f32>(most0, most1, most2, most3);
    workgroupBarrier();
    k_next = fetch_k(step + ${STEP}u, last, lane, ${PLACE_K});
    var m_next = m;
    for (var t = 0u; t < 8u; t++) { m_next = max(m_next, parts[ty][t]); }
    let alpha = exp2(m - m_next);
    m = m_next;
    l *= alpha;
#for i in 4
    {
      let p = select(vec4<f32>(), exp2(qk${i} - m[${i}]), seen${i});
      l[${i}] += (p.x + p.y) + (p.z + p.w);
      factors[4u * ty + ${i}u][tx] = p;
#for c in DEPTH / 8
      acc${i}_${c} *= alpha[${i}];
#endfor
    }
#endfor
    stage(v_next, lane, params.depth);
    workgroupBarrier();
    v_next = fetch_v(step + ${STEP}u, last, lane, ${PLACE_V});
    let quads = min(${STEP / 4}u, (limit - step + 3u) / 4u);
#let INTO = "acc"
#include "attention/flash.spread.wgsl"
    workgroupBarrier(); // the next step overwrites what is read here
  }

  parts[ty][tx] = l;
  workgroupBarrier();
  var total = vec4<f32>();
  for (var t = 0u; t < 8u; t++) { total += parts[ty][t]; }
#for i in 4
  {
    let row = rowStart + 4u * ty + ${i}u;
    if (row < count) {
      let inverse = select(1.0 / total[${i}], 0.0, total[${i}] == 0.0);
      let base = params.out.x + batch * params.out.y + (start + row) * params.out.z + head * params.out.w;
#for c in DEPTH / 8
      if (tx + ${8 * c}u < params.depth) { out[base + tx + ${8 * c}u] = narrow(inverse * acc${i}_${c}); }
#endfor
      if (tx == 0u) {
        lse[lseBase + row * params.lse.z] = select((m[${i}] + log2(total[${i}])) * 0.6931471805599453, 1e30, total[${i}] == 0.0);
      }
    }
  }
#endfor
}
