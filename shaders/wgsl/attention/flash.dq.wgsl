// Attention backward, for GPUs: gradient of the queries.
//
// Shapes   as attention/dq.wgsl, as are layout, parameters, masks and what is written.
// Tiling   that of attention/flash.forward.wgsl. Of a step its values are staged first, for dP = grad v^T, then its keys, for scores and for the sums.
//          512 * DEPTH + 32 * ROWS * (DEPTH + 4) bytes of workgroup memory: 28 KiB for 32 rows and a head dimension of 64, 48 for 64.
// Numerics f32; P = exp2(scale log2(e) s - lse log2(e)); rows without keys have lse 1e30, so P = 0.
// Measured see attention/flash.forward.wgsl; alone not yet.
// Compile: T=f32 OUT=f32 ROWS=32 DEPTH=16 PREFIX=1 BYTES=28672 | T=f16 OUT=f16 ROWS=32 DEPTH=8 PREFIX=0
struct Params {
  q: vec4<u32>,       // offset, batch stride, row stride, head stride, in units of 4 elements
  k: vec4<u32>,
  v: vec4<u32>,
  prefixK: vec4<u32>,
  prefixV: vec4<u32>,
  grad: vec4<u32>,
  dq: vec4<u32>,
  stats: vec4<u32>,   // in pairs
  queries: u32,
  keys: u32,
  prefix: u32,
  depth: u32,         // head dimension / 4
  blocks: u32,        // entries of the row block table; 0: dense rows
  ahead: u32,        // keys behind its own row that a query sees: 0 if causal, else more than there are
  apart: u32,        // 0
  scale: f32,
}

#let SLICE = 4
#include "attention/storage.wgsl"

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<Quad>;
@group(0) @binding(2) var<storage, read> k: array<Quad>;
@group(0) @binding(3) var<storage, read> v: array<Quad>;
@group(0) @binding(4) var<storage, read> grad: array<Quad>;
@group(0) @binding(5) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> dq: array<Slice>;
@group(0) @binding(7) var<storage, read> blocks: array<vec4<u32>>;
#if PREFIX
@group(0) @binding(8) var<storage, read> prefix: array<Quad>; // keys and values of the prefix in one buffer
#endif

#let STEP = 32
#let THREADS = 2 * ROWS
#include "attention/flash.stage.wgsl"
var<workgroup> q_tile: array<array<vec4<f32>, ${DEPTH}>, ${ROWS}>;
var<workgroup> grad_tile: array<array<vec4<f32>, ${DEPTH}>, ${ROWS}>;

#let FETCH_0 = "k"
#let FETCH_1 = "v"
#include "attention/flash.fetch.wgsl"

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#let TILE = 1
#let LANES = THREADS
#let COLUMNS = 0
#include "attention/place.wgsl"
  let gradBase = params.grad.x + batch * params.grad.y + start * params.grad.z + head * params.grad.w;
  let statsBase = params.stats.x + batch * params.stats.y + start * params.stats.z + head * params.stats.w;
  let ty = lane / 8u;
  let tx = lane % 8u;
  for (var i = lane; i < ${ROWS * DEPTH}u; i += ${THREADS}u) {
    let row = min(rowStart + i / ${DEPTH}u, max(count, 1u) - 1u);
    let d = i % ${DEPTH}u;
    let quad = min(d, params.depth - 1u);
    q_tile[i / ${DEPTH}u][d] = select(vec4<f32>(), widen(q[qBase + row * params.q.z + quad]), d < params.depth);
    grad_tile[i / ${DEPTH}u][d] = select(vec4<f32>(), widen(grad[gradBase + row * params.grad.z + quad]), d < params.depth);
  }
  let ends = min(vec4<u32>(limit), vec4<u32>(shift + rowStart + 4u * ty + params.ahead) + vec4<u32>(1u, 2u, 3u, 4u));
#for i in 4
  let stat${i} = stats[statsBase + min(rowStart + 4u * ty + ${i}u, max(count, 1u) - 1u) * params.stats.z];
#for c in DEPTH / 8
  var dq${i}_${c} = vec4<f32>();
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
  let factor = params.scale * 1.4426950408889634;
  var k_next = fetch_k(0u, last, lane, ${PLACE_K});
  var v_next = fetch_v(0u, last, lane, ${PLACE_V});
  for (var step = 0u; step < limit; step += ${STEP}u) {
    stage(v_next, lane, params.depth);
    workgroupBarrier();
#let FROM = "grad_tile"
#let INTO = "dp"
#include "attention/flash.dot.wgsl"
    workgroupBarrier();
    stage(k_next, lane, params.depth);
    workgroupBarrier();
    v_next = fetch_v(step + ${STEP}u, last, lane, ${PLACE_V});
    k_next = fetch_k(step + ${STEP}u, last, lane, ${PLACE_K});
#let FROM = "q_tile"
#let INTO = "qk"
#include "attention/flash.dot.wgsl"
    let key = vec4<u32>(step + 4u * tx) + vec4<u32>(0u, 1u, 2u, 3u);
#for i in 4
    factors[4u * ty + ${i}u][tx] = select(vec4<f32>(), exp2(qk${i} * factor - stat${i}.x) * (dp${i} - stat${i}.y), key < vec4<u32>(ends[${i}]));
#endfor
    workgroupBarrier();
    let quads = min(${STEP / 4}u, (limit - step + 3u) / 4u);
#let INTO = "dq"
#include "attention/flash.spread.wgsl"
    workgroupBarrier(); // the next step overwrites what is read here
  }

#for i in 4
  {
    let row = rowStart + 4u * ty + ${i}u;
    if (row < count) {
      let base = params.dq.x + batch * params.dq.y + (start + row) * params.dq.z + head * params.dq.w;
#for c in DEPTH / 8
      if (tx + ${8 * c}u < params.depth) { dq[base + tx + ${8 * c}u] = narrow(params.scale * dq${i}_${c}); }
#endfor
    }
  }
#endfor
}
