// Attention backward, subgroup form: gradients of keys and values.
//
// Shapes   as attention/forward.wgsl; grad (of the output) like q; stats [B, Tq, H, 2] of attention/delta.wgsl; dk like k, dv like v.
//          Shared prefix: k and v are the prefix, batches are chunks of `queries` rows out of `rows` in all (its gradient sums over every
//          query of every sequence); each chunk writes its own f32 partial, and attention/reduce.wgsl adds them in order.
// Layout   dk and dv are two geometries in one buffer: WebGPU forbids binding one buffer for writing twice, and they may be views of one
//          fused gradient. Strides in units of 4 elements (dk, dv: of SLICE).
// Tiling   one subgroup owns ROWS keys of one head. Per step it takes SG * KEYS queries: lanes hold queries while scores and dP form, then lanes
//          hold slices of the head dimension while P is broadcast onto rows of grad and dS onto rows of q. No atomics: sums have one order.
// Numerics f32; P = exp2(scale log2(e) s - lse log2(e)).
// Variants TILE=0 broadcasts within the subgroup. TILE=1 needs none: 32 invocations exchange through workgroup memory (16 KiB at most).
// Measured see attention/forward.wgsl.
// Compile: SG=on T=f32 OUT=f32 ROWS=8 KEYS=2 SLICE=4 COLUMNS=2 TILE=0 | SG=on T=f16 OUT=f32 ROWS=8 KEYS=1 SLICE=2 COLUMNS=1 TILE=0 | T=f32 OUT=f32 ROWS=8 KEYS=2 SLICE=2 COLUMNS=1 TILE=1 DEPTH=16
#if !TILE
enable subgroups;
#endif

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
  apart: u32,        // 1: see attention/block.wgsl
  scale: f32,
}

#include "attention/storage.wgsl"
#let LANES = TILE ? 32 : SG
#include "attention/lanes.wgsl"
#let SPAN = LANES * KEYS
#let HELD = (ROWS + LANES - 1) / LANES
#let PREFIX = 0
#let QUADS = SLICE == 4 ? 1 : 2

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<Quad>;
@group(0) @binding(2) var<storage, read> k: array<Quad>;
@group(0) @binding(3) var<storage, read> v: array<Quad>;
@group(0) @binding(4) var<storage, read> grad: array<Quad>;
@group(0) @binding(5) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> dkv: array<Slice>;
@group(0) @binding(7) var<storage, read> blocks: array<vec4<u32>>;

#if TILE
var<workgroup> tile: array<vec4<f32>, ${2 * ROWS * DEPTH}>; // rows of k, then rows of v
var<workgroup> handed: array<f32, ${2 * ROWS * KEYS * LANES}>;
#endif

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#include "attention/block.wgsl"
  let count = select(params.keys, length, packed); // rows that blocks are made of
  let queries = select(min(params.queries, params.rows - batch * params.queries), length, packed);
  let gradBase = params.grad.x + batch * params.grad.y + start * params.grad.z + head * params.grad.w;
  let statsBase = params.stats.x + batch * params.stats.y + start * params.stats.z + head * params.stats.w;

#if TILE
  for (var i = lane; i < ${ROWS}u * params.depth; i += ${LANES}u) {
    let row = min(rowStart + i / params.depth, max(count, 1u) - 1u);
    tile[i] = widen(k[kBase + row * params.k.z + i % params.depth]);
    tile[i + ${ROWS}u * params.depth] = widen(v[vBase + row * params.v.z + i % params.depth]);
  }
  workgroupBarrier();
#else
#for g in HELD
  let row${g} = min(rowStart + ${g * LANES}u + lane, max(count, 1u) - 1u);
  let kRow${g} = kBase + row${g} * params.k.z;
  let vRow${g} = vBase + row${g} * params.v.z;
#endfor
#endif
#for j in ROWS
#for c in COLUMNS
  var dk${j}_${c} = vec${SLICE}<f32>();
  var dv${j}_${c} = vec${SLICE}<f32>();
#endfor
#endfor

  let factor = params.scale * 1.4426950408889634;
  let limit = queries;
  let first = rowStart - min(rowStart, params.ahead); // a causal key is seen by queries from its own row on
  for (var step = first; step < limit; step += ${SPAN}u) {
    let query = step + lane * ${KEYS}u;
#for t in KEYS
    let query${t} = min(query + ${t}u, queries - 1u);
    let qRow${t} = qBase + query${t} * params.q.z;
    let gradRow${t} = gradBase + query${t} * params.grad.z;
    let stat${t} = stats[statsBase + query${t} * params.stats.z];
#endfor
#for j in ROWS
#for t in KEYS
    var s${j}_${t} = 0.0;
    var p${j}_${t} = 0.0;
#endfor
#endfor
    for (var d = 0u; d < params.depth; d++) {
#for t in KEYS
      let q${t} = widen(q[qRow${t} + d]);
      let grad${t} = widen(grad[gradRow${t} + d]);
#endfor
#if !TILE
#for g in HELD
#if g > 0 && SG >= 8
      var k${g} = vec4<f32>();
      var v${g} = vec4<f32>();
      if (rowStart + ${g * LANES}u < count) {
        k${g} = widen(k[kRow${g} + d]);
        v${g} = widen(v[vRow${g} + d]);
      }
#else
      let k${g} = widen(k[kRow${g} + d]);
      let v${g} = widen(v[vRow${g} + d]);
#endif
#endfor
#endif
#for g in ROWS / 8
#let GROUP = g > 0 ? "if (rowStart + " + 8 * g + "u < count) {" : "{"
      ${GROUP}
#for j in 8 * g..8 * g + 8
      {
#if TILE
        let x = tile[${j}u * params.depth + d];
        let y = tile[${ROWS + j}u * params.depth + d];
#else
        let x = ${HAND_ON}(k${j / LANES}, ${j % LANES}u);
        let y = ${HAND_ON}(v${j / LANES}, ${j % LANES}u);
#endif
#for t in KEYS
        s${j}_${t} += dot(x, q${t});
        p${j}_${t} += dot(y, grad${t});
#endfor
      }
#endfor
      }
#endfor
    }
#for g in ROWS / 8
#let GROUP = g > 0 ? "if (rowStart + " + 8 * g + "u < count) {" : "{"
    ${GROUP}
#for t in KEYS
#for j in 8 * g..8 * g + 8
    {
      let seen = query + ${t}u < queries && query + ${t}u + params.ahead >= rowStart + ${j}u;
      let p = select(0.0, exp2(s${j}_${t} * factor - stat${t}.x), seen);
      s${j}_${t} = p * select(0.0, p${j}_${t} - stat${t}.y, seen);
      p${j}_${t} = p;
#if TILE
      handed[${(j * KEYS + t) * LANES}u + lane] = s${j}_${t};
      handed[${((ROWS + j) * KEYS + t) * LANES}u + lane] = p;
#endif
    }
#endfor
#endfor
    }
#endfor
#if TILE
    workgroupBarrier();
#endif
#for product in 2
#let FACTOR = product == 0 ? "s" : "p"
#let HANDED = product * ROWS * KEYS * LANES
#let SOURCE = product == 0 ? "q" : "grad"
#let INTO = product == 0 ? "dk" : "dv"
#include "attention/spread.wgsl"
#endfor
#if TILE
    workgroupBarrier(); // the next step overwrites what was handed over
#endif
  }

  // Few store sites keep compilation short on CPU adapters: each pass writes one row of every eight. The shift gives 0, but compilers cannot
  // know, and do not unroll the loop.
  for (var i = 0u; i < 8u + (params.depth >> 31u); i++) {
#for r in ROWS / 8
    {
      let row = rowStart + ${8 * r}u + i;
#let TARGET = "dkv"
#let FIRST = 8 * r
#for product in 2
#let INTO = product == 0 ? "dk" : "dv"
#let SCALE = product == 0 ? "params.scale" : "1.0"
#include "attention/store.wgsl"
#endfor
    }
#endfor
  }
}
