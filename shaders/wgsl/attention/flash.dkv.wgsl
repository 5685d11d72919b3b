// Attention backward, for GPUs: gradients of keys and values.
//
// Shapes   as attention/dkv.wgsl, as are layout, parameters, masks and what is written, the shared prefix in chunks of queries included.
// Tiling   that of attention/flash.forward.wgsl with the roles exchanged: one workgroup owns ROWS keys of one head and takes 32 queries a step. Queries
//          are staged for scores, output gradients for dP and for the sums of dv, queries again for those of dk.
//          512 * DEPTH + 32 * ROWS * (DEPTH + 4) bytes of workgroup memory: 28 KiB for 32 rows and a head dimension of 64, 48 for 64.
// Numerics f32; P = exp2(scale log2(e) s - lse log2(e)).
// Measured see attention/flash.forward.wgsl; alone not yet.
// Compile: T=f32 OUT=f32 ROWS=32 DEPTH=16 BYTES=28672 | T=f16 OUT=f32 ROWS=32 DEPTH=8
struct Params {
  q: vec4<u32>,       // offset, batch stride, row stride, head stride
  k: vec4<u32>,
  v: vec4<u32>,
  grad: vec4<u32>,
  dk: vec4<u32>,
  dv: vec4<u32>,
  stats: vec4<u32>,   // in pairs
  queries: u32,
  rows: u32,          // queries of all batches together
  keys: u32,
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
@group(0) @binding(6) var<storage, read_write> dkv: array<Slice>;
@group(0) @binding(7) var<storage, read> blocks: array<vec4<u32>>;

#let STEP = 32
#let THREADS = 2 * ROWS
#let PREFIX = 0
#include "attention/flash.stage.wgsl"
var<workgroup> k_tile: array<array<vec4<f32>, ${DEPTH}>, ${ROWS}>;
var<workgroup> v_tile: array<array<vec4<f32>, ${DEPTH}>, ${ROWS}>;

#let FETCH_0 = "q"
#let FETCH_1 = "grad"
#include "attention/flash.fetch.wgsl"

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#let TILE = 1
#let LANES = THREADS
#let COLUMNS = 0
#include "attention/block.wgsl"
  let count = select(params.keys, length, packed); // rows that blocks are made of
  let queries = select(min(params.queries, params.rows - batch * params.queries), length, packed);
  let gradBase = params.grad.x + batch * params.grad.y + start * params.grad.z + head * params.grad.w;
  let statsBase = params.stats.x + batch * params.stats.y + start * params.stats.z + head * params.stats.w;
  let ty = lane / 8u;
  let tx = lane % 8u;
  for (var i = lane; i < ${ROWS * DEPTH}u; i += ${THREADS}u) {
    let row = min(rowStart + i / ${DEPTH}u, max(count, 1u) - 1u);
    let d = i % ${DEPTH}u;
    let quad = min(d, params.depth - 1u);
    k_tile[i / ${DEPTH}u][d] = select(vec4<f32>(), widen(k[kBase + row * params.k.z + quad]), d < params.depth);
    v_tile[i / ${DEPTH}u][d] = select(vec4<f32>(), widen(v[vBase + row * params.v.z + quad]), d < params.depth);
  }
#for i in 4
#for c in DEPTH / 8
  var dk${i}_${c} = vec4<f32>();
  var dv${i}_${c} = vec4<f32>();
#endfor
#endfor
  let factor = params.scale * 1.4426950408889634;
  let last = max(queries, 1u) - 1u;
  let first = rowStart - min(rowStart, params.ahead); // a causal key is seen by queries from its own row on
  var q_next = fetch_q(first, last, lane, qBase);
  var grad_next = fetch_grad(first, last, lane, gradBase);
  for (var step = first; step < queries; step += ${STEP}u) {
    stage(q_next, lane, params.depth);
    workgroupBarrier();
#let FROM = "k_tile"
#let INTO = "qk"
#include "attention/flash.dot.wgsl"
    workgroupBarrier();
    stage(grad_next, lane, params.depth);
    workgroupBarrier();
#let FROM = "v_tile"
#let INTO = "dp"
#include "attention/flash.dot.wgsl"
    let query = vec4<u32>(step + 4u * tx) + vec4<u32>(0u, 1u, 2u, 3u);
#for j in 4
    let stat${j} = stats[statsBase + min(query[${j}], last) * params.stats.z];
#endfor
    let lse = vec4<f32>(stat0.x, stat1.x, stat2.x, stat3.x);
    let delta = vec4<f32>(stat0.y, stat1.y, stat2.y, stat3.y);
#for i in 4
    let seen${i} = (query < vec4<u32>(queries)) & (query + vec4<u32>(params.ahead) >= vec4<u32>(rowStart + 4u * ty + ${i}u));
    let p${i} = select(vec4<f32>(), exp2(qk${i} * factor - lse), seen${i});
    factors[4u * ty + ${i}u][tx] = p${i};
#endfor
    workgroupBarrier();
    let quads = min(${STEP / 4}u, (queries - step + 3u) / 4u);
#let INTO = "dv"
#include "attention/flash.spread.wgsl"
    workgroupBarrier();
    stage(q_next, lane, params.depth);
#for i in 4
    factors[4u * ty + ${i}u][tx] = select(vec4<f32>(), p${i} * (dp${i} - delta), seen${i});
#endfor
    workgroupBarrier();
    q_next = fetch_q(step + ${STEP}u, last, lane, qBase);
    grad_next = fetch_grad(step + ${STEP}u, last, lane, gradBase);
#let INTO = "dk"
#include "attention/flash.spread.wgsl"
    workgroupBarrier(); // the next step overwrites what is read here
  }

#for i in 4
  {
    let row = rowStart + 4u * ty + ${i}u;
    if (row < count) {
#for product in 2
#let INTO = product == 0 ? "dk" : "dv"
#let SCALE = product == 0 ? "params.scale" : "1.0"
      let at_${INTO} = params.${INTO}.x + batch * params.${INTO}.y + (start + row) * params.${INTO}.z + head * params.${INTO}.w + tx;
#for c in DEPTH / 8
      if (tx + ${8 * c}u < params.depth) { dkv[at_${INTO} + ${8 * c}u] = narrow(${SCALE} * ${INTO}${i}_${c}); }
#endfor
#endfor
    }
  }
#endfor
}
