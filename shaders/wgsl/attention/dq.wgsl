// Attention backward, subgroup form: gradient of the queries.
//
// Shapes   as attention/forward.wgsl; grad (of the output) like q; stats [B, Tq, H, 2] of attention/delta.wgsl; dq like q.
// Tiling   that of the forward kernel: lanes hold keys while scores (q k^T) and dP (grad v^T) form together, then dS = P (dP - delta) is broadcast
//          onto rows of k. P is recomputed from the saved log-sum-exp, so there is no T x T buffer; no workgroup memory, barrier or atomic.
// Numerics f32; P = exp2(scale log2(e) s - lse log2(e)); fully masked rows have lse 1e30, so P = 0.
// Variants TILE=0 broadcasts within the subgroup. TILE=1 needs none: 32 invocations exchange through workgroup memory (16 KiB at most).
// Measured see attention/forward.wgsl.
// Compile: SG=on T=f32 OUT=f32 ROWS=16 KEYS=2 SLICE=4 COLUMNS=2 PREFIX=1 TILE=0 | SG=on T=f16 OUT=f16 ROWS=8 KEYS=1 SLICE=2 COLUMNS=1 PREFIX=1 TILE=0 | T=f32 OUT=f32 ROWS=8 KEYS=1 SLICE=2 COLUMNS=1 PREFIX=0 TILE=1 DEPTH=16
#if !TILE
enable subgroups;
#endif

struct Params {
  q: vec4<u32>,       // offset, batch stride, row stride, head stride, in units of 4 elements
  k: vec4<u32>,
  v: vec4<u32>,
  prefixK: vec4<u32>,
  prefixV: vec4<u32>,
  grad: vec4<u32>,
  dq: vec4<u32>,      // in units of SLICE elements
  stats: vec4<u32>,   // in pairs
  queries: u32,
  keys: u32,
  prefix: u32,
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
// Branches around loads cost nothing on lavapipe, but SwiftShader (subgroups of 4) needs minutes and gigabytes to compile them.
#let EAGER = TILE || SG < 8
#let QUADS = SLICE == 4 ? 1 : 2

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

#if TILE
var<workgroup> tile: array<vec4<f32>, ${2 * ROWS * DEPTH}>; // rows of q, then rows of grad
var<workgroup> handed: array<f32, ${ROWS * KEYS * LANES}>;
#endif

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#include "attention/place.wgsl"
  let gradBase = params.grad.x + batch * params.grad.y + start * params.grad.z + head * params.grad.w;
  let statsBase = params.stats.x + batch * params.stats.y + start * params.stats.z + head * params.stats.w;

#if TILE
  for (var i = lane; i < ${ROWS}u * params.depth; i += ${LANES}u) {
    let row = min(rowStart + i / params.depth, max(count, 1u) - 1u);
    tile[i] = widen(q[qBase + row * params.q.z + i % params.depth]);
    tile[i + ${ROWS}u * params.depth] = widen(grad[gradBase + row * params.grad.z + i % params.depth]);
  }
  workgroupBarrier();
#else
#for g in HELD
  let row${g} = min(rowStart + ${g * LANES}u + lane, max(count, 1u) - 1u);
  let qRow${g} = qBase + row${g} * params.q.z;
  let gradRow${g} = gradBase + row${g} * params.grad.z;
  let stat${g} = stats[statsBase + row${g} * params.stats.z];
#endfor
#endif
#for i in ROWS
#for c in COLUMNS
  var dq${i}_${c} = vec${SLICE}<f32>();
#endfor
#endfor

  let factor = params.scale * 1.4426950408889634;
  for (var step = 0u; step < limit; step += ${SPAN}u) {
    let key = step + lane * ${KEYS}u;
#for t in KEYS
    let key${t} = min(key + ${t}u, keys - 1u);
#if PREFIX
    let early${t} = key${t} < shift;
    let kRow${t} = kBase + (max(key${t}, shift) - shift) * params.k.z;
    let kEarly${t} = prefixKBase + min(key${t}, shift - 1u) * params.prefixK.z;
    let vRow${t} = vBase + (max(key${t}, shift) - shift) * params.v.z;
    let vEarly${t} = prefixVBase + min(key${t}, shift - 1u) * params.prefixV.z;
#else
    let kRow${t} = kBase + key${t} * params.k.z;
    let vRow${t} = vBase + key${t} * params.v.z;
#endif
#endfor
#for i in ROWS
#for t in KEYS
    var s${i}_${t} = 0.0;
    var p${i}_${t} = 0.0;
#endfor
#endfor
    for (var d = 0u; d < params.depth; d++) {
#for t in KEYS
#if PREFIX && EAGER
      let k${t} = select(widen(k[kRow${t} + d]), widen(prefix[kEarly${t} + d]), early${t});
      let v${t} = select(widen(v[vRow${t} + d]), widen(prefix[vEarly${t} + d]), early${t});
#elif PREFIX
      var k${t}: vec4<f32>;
      var v${t}: vec4<f32>;
      if (early${t}) {
        k${t} = widen(prefix[kEarly${t} + d]);
        v${t} = widen(prefix[vEarly${t} + d]);
      } else {
        k${t} = widen(k[kRow${t} + d]);
        v${t} = widen(v[vRow${t} + d]);
      }
#else
      let k${t} = widen(k[kRow${t} + d]);
      let v${t} = widen(v[vRow${t} + d]);
#endif
#endfor
#if !TILE
#for g in HELD
#if g > 0 && !EAGER
      var q${g} = vec4<f32>();
      var grad${g} = vec4<f32>();
      if (rowStart + ${g * LANES}u < count) {
        q${g} = widen(q[qRow${g} + d]);
        grad${g} = widen(grad[gradRow${g} + d]);
      }
#else
      let q${g} = widen(q[qRow${g} + d]);
      let grad${g} = widen(grad[gradRow${g} + d]);
#endif
#endfor
#endif
#for g in ROWS / 8
#let GROUP = g > 0 ? "if (rowStart + " + 8 * g + "u < count) {" : "{"
      ${GROUP}
#for i in 8 * g..8 * g + 8
      {
#if TILE
        let x = tile[${i}u * params.depth + d];
        let y = tile[${ROWS + i}u * params.depth + d];
#else
        let x = ${HAND_ON}(q${i / LANES}, ${i % LANES}u);
        let y = ${HAND_ON}(grad${i / LANES}, ${i % LANES}u);
#endif
#for t in KEYS
        s${i}_${t} += dot(x, k${t});
        p${i}_${t} += dot(y, v${t});
#endfor
      }
#endfor
      }
#endfor
    }
#for g in ROWS / 8
#let GROUP = g > 0 ? "if (rowStart + " + 8 * g + "u < count) {" : "{"
    ${GROUP}
#for i in 8 * g..8 * g + 8
    {
      let end = min(limit, shift + rowStart + ${i + 1}u + params.ahead);
#if TILE
      let stat = stats[statsBase + min(rowStart + ${i}u, count - 1u) * params.stats.z];
#else
      let stat = ${HAND_ON}(stat${i / LANES}, ${i % LANES}u);
#endif
#for t in KEYS
      s${i}_${t} = select(0.0, exp2(s${i}_${t} * factor - stat.x) * (p${i}_${t} - stat.y), key + ${t}u < end);
#if TILE
      handed[${(i * KEYS + t) * LANES}u + lane] = s${i}_${t};
#endif
#endfor
    }
#endfor
    }
#endfor
#if TILE
    workgroupBarrier();
#endif
#let FACTOR = "s"
#let HANDED = 0
#let SOURCE = "k"
#let PREFIXED = "prefixK"
#let INTO = "dq"
#include "attention/spread.wgsl"
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
#let TARGET = "dq"
#let SCALE = "params.scale"
#let FIRST = 8 * r
#include "attention/store.wgsl"
    }
#endfor
  }
}
