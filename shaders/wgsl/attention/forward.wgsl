// Attention forward, subgroup form: out = softmax(scale q k^T) v, and lse = log sum exp of the scaled scores.
//
// Shapes   q [B, Tq, H, D], k and v [B, Tk, H, D], optional prefix k and v [P, H, D] seen by every query before its own keys;
//          ragged: q, k, v packed [N, H, D], a table names each row block. out like q, lse [B, Tq, H] (ragged [N, H]).
// Layout   any offset, batch, row and head stride that is a multiple of 4 elements; the last axis is dense. Strides in units of 4.
// Tiling   one subgroup (= one workgroup, so control flow stays uniform) owns ROWS query rows of one head. Per step it takes SG * KEYS keys:
//          lanes hold keys while scores are formed (each lane reads its own key and query rows once, broadcasts feed the ROWS x KEYS tile),
//          then lanes hold slices of the head dimension while probabilities are broadcast onto rows of v. No workgroup memory, no barrier.
// Numerics f32 throughout, online softmax in base 2 over maxima no lower than the lowest float; a score of minus infinity, hidden or the user's, has no
//          weight. A row without any other gives 0 and lse = 1e30.
// Pipelines one for dense and packed rows, causal or not, of every head dimension up to 64 (up to 128: another): these are parameters, which cost
//          nothing, while each pipeline costs a second to compile. PREFIX is not: without a prefix its branches would cost 7 to 17 %.
// Variants TILE=0 broadcasts within the subgroup. TILE=1 needs none: 32 invocations exchange through workgroup memory (16 KiB at most).
// Measured lavapipe (8 lanes), processor time beside the same kernel of before in one process, D = 64. Its branches skip what no lane wants: a block's
//          rows go in groups of 8, and those behind the end cost nothing (packed short sequences behind a prefix, all four passes, 9 to 19 % less
//          time; T = 197, 5 to 16 %). A shuffle by a constant instead of a broadcast: 2 to 5 %.
//          Of T = 197 forward, scores take 40 %, the product with v 35 %, softmax 20 %. Without any load of q, k and v it would take 0.4 of its time,
//          without those of one of them 0.8 to 0.9.
//          No gain: 24 or 32 rows, 4 keys (T = 1024 5 to 10 % faster, T = 197 up to 16 % slower, dq slower, twice the time to compile); q in a private
//          array (1.29 of the time) or in workgroup memory (0.99); sums rescaled only where a maximum grows by 2^8 (0.99).
// Compile: SG=on T=f32 OUT=f32 ROWS=16 KEYS=2 SLICE=4 COLUMNS=2 PREFIX=0 TILE=0 | SG=on T=f16 OUT=f16 ROWS=8 KEYS=1 SLICE=2 COLUMNS=1 PREFIX=1 TILE=0 | T=f32 OUT=f32 ROWS=8 KEYS=1 SLICE=2 COLUMNS=1 PREFIX=0 TILE=1 DEPTH=16
#if !TILE
enable subgroups;
#endif

struct Params {
  q: vec4<u32>,       // offset, batch stride, row stride, head stride
  k: vec4<u32>,
  v: vec4<u32>,
  prefixK: vec4<u32>,
  prefixV: vec4<u32>,
  out: vec4<u32>,     // in units of SLICE elements
  lse: vec4<u32>,     // in elements
  queries: u32,
  keys: u32,
  prefix: u32,
  depth: u32,         // head dimension / 4
  blocks: u32,        // entries of the row block table; 0: dense rows
  ahead: u32,        // keys behind its own row that a query sees: 0 if causal, else more than there are
  apart: u32,        // 1: see attention/block.wgsl
  scale: f32,         // of the scores, times log2(e)
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
@group(0) @binding(4) var<storage, read_write> out: array<Slice>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
@group(0) @binding(6) var<storage, read> blocks: array<vec4<u32>>;
#if PREFIX
@group(0) @binding(7) var<storage, read> prefix: array<Quad>; // keys and values of the prefix in one buffer
#endif

#if TILE
var<workgroup> tile: array<vec4<f32>, ${ROWS * DEPTH}>;       // query rows, scaled
var<workgroup> handed: array<f32, ${ROWS * KEYS * LANES}>;
var<workgroup> reduced: array<f32, ${ROWS}>;
#endif

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#include "attention/place.wgsl"
  let lseBase = params.lse.x + batch * params.lse.y + start * params.lse.z + head * params.lse.w;

#if TILE
  for (var i = lane; i < ${ROWS}u * params.depth; i += ${LANES}u) {
    tile[i] = params.scale * widen(q[qBase + min(rowStart + i / params.depth, max(count, 1u) - 1u) * params.q.z + i % params.depth]);
  }
  workgroupBarrier();
#else
#for g in HELD
  let qRow${g} = qBase + min(rowStart + ${g * LANES}u + lane, max(count, 1u) - 1u) * params.q.z;
#endfor
#endif
  var hiddenBits = 0xff800000u; // of a variable: WGSL has no constant for minus infinity
  let hidden = bitcast<f32>(hiddenBits);
#for i in ROWS
  var top${i} = -3.4028234e38;
  var sum${i} = 0.0;
#for c in COLUMNS
  var out${i}_${c} = vec${SLICE}<f32>();
#endfor
#endfor

  for (var step = 0u; step < limit; step += ${SPAN}u) {
    let key = step + lane * ${KEYS}u;
#for t in KEYS
    let key${t} = min(key + ${t}u, keys - 1u);
#if PREFIX
    let early${t} = key${t} < shift;
    let kRow${t} = kBase + (max(key${t}, shift) - shift) * params.k.z;
    let kEarly${t} = prefixKBase + min(key${t}, shift - 1u) * params.prefixK.z;
#else
    let kRow${t} = kBase + key${t} * params.k.z;
#endif
#endfor
#for i in ROWS
#for t in KEYS
    var s${i}_${t} = 0.0;
#endfor
#endfor
    for (var d = 0u; d < params.depth; d++) {
#for t in KEYS
#if PREFIX && EAGER
      let k${t} = select(widen(k[kRow${t} + d]), widen(prefix[kEarly${t} + d]), early${t});
#elif PREFIX
      var k${t}: vec4<f32>;
      if (early${t}) { k${t} = widen(prefix[kEarly${t} + d]); } else { k${t} = widen(k[kRow${t} + d]); }
#else
      let k${t} = widen(k[kRow${t} + d]);
#endif
#endfor
#if !TILE
#for g in HELD
#if g > 0 && !EAGER
      var q${g} = vec4<f32>();
      if (rowStart + ${g * LANES}u < count) { q${g} = widen(q[qRow${g} + d]) * params.scale; }
#else
      let q${g} = widen(q[qRow${g} + d]) * params.scale;
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
#else
        let x = ${HAND_ON}(q${i / LANES}, ${i % LANES}u);
#endif
#for t in KEYS
        s${i}_${t} += dot(x, k${t});
#endfor
      }
#endfor
      }
#endfor
    }
#for i in ROWS
    let end${i} = min(limit, shift + rowStart + ${i + 1}u + params.ahead);
#for t in KEYS
    s${i}_${t} = select(hidden, s${i}_${t}, key + ${t}u < end${i});
#endfor
    var highest${i} = s${i}_0;
#for t in 1..KEYS
    highest${i} = max(highest${i}, s${i}_${t});
#endfor
#endfor
#if TILE
#for i in ROWS
    handed[${i * LANES}u + lane] = highest${i};
#endfor
    workgroupBarrier();
    if (lane < ${ROWS}u) {
      var highest = -3.4028234e38;
      for (var other = 0u; other < ${LANES}u; other++) { highest = max(highest, handed[lane * ${LANES}u + other]); }
      reduced[lane] = highest;
    }
    workgroupBarrier();
#endif
#for g in ROWS / 8
#let GROUP = g > 0 ? "if (rowStart + " + 8 * g + "u < count) {" : "{"
    ${GROUP}
#for i in 8 * g..8 * g + 8
    {
#if TILE
      let next = max(top${i}, reduced[${i}]);
#else
      let next = max(top${i}, laneMax(highest${i}));
#endif
      let shrink = exp2(top${i} - next);
      top${i} = next;
      sum${i} *= shrink;
#for t in KEYS
      s${i}_${t} = exp2(s${i}_${t} - next);
      sum${i} += s${i}_${t};
#if TILE
      handed[${(i * KEYS + t) * LANES}u + lane] = s${i}_${t};
#endif
#endfor
#for c in COLUMNS
      out${i}_${c} *= shrink;
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
#let SOURCE = "v"
#let PREFIXED = "prefixV"
#let INTO = "out"
#include "attention/spread.wgsl"
#if TILE
    workgroupBarrier(); // the next step overwrites what was handed over
#endif
  }

#if TILE
#for i in ROWS
  handed[${i * LANES}u + lane] = sum${i};
#endfor
  workgroupBarrier();
  if (lane < ${ROWS}u) {
    var total = 0.0;
    for (var other = 0u; other < ${LANES}u; other++) { total += handed[lane * ${LANES}u + other]; }
    reduced[lane] = total;
  }
  workgroupBarrier();
#for i in ROWS
  sum${i} = reduced[${i}];
#endfor
#else
#for i in ROWS
  sum${i} = laneSum(sum${i});
#endfor
#endif
  // Few store sites keep compilation short on CPU adapters: each pass writes one row of every eight. The shift gives 0, but compilers cannot
  // know, and do not unroll the loop.
  for (var i = 0u; i < 8u + (params.depth >> 31u); i++) {
#for r in ROWS / 8
    {
      let row = rowStart + ${8 * r}u + i;
      let total = pick(i, sum${8 * r}, sum${8 * r + 1}, sum${8 * r + 2}, sum${8 * r + 3}, sum${8 * r + 4}, sum${8 * r + 5}, sum${8 * r + 6}, sum${8 * r + 7});
      let inverse = select(1.0 / total, 0.0, total == 0.0);
#let TARGET = "out"
#let SCALE = "inverse"
#let FIRST = 8 * r
#include "attention/store.wgsl"
      if (row < count && lane == 0u) {
        let highest = pick(i, top${8 * r}, top${8 * r + 1}, top${8 * r + 2}, top${8 * r + 3}, top${8 * r + 4}, top${8 * r + 5}, top${8 * r + 6}, top${8 * r + 7});
        lse[lseBase + row * params.lse.z] = select((highest + log2(total)) * 0.6931471805599453, 1e30, total == 0.0);
      }
    }
#endfor
  }
}
