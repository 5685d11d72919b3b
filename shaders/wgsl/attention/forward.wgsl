// Attention forward, subgroup form: out = softmax(scale q k^T) v, and lse = log sum exp of the scaled scores.
//
// Shapes   q [B, Tq, H, D], k and v [B, Tk, H, D], optional prefix k and v [P, H, D] that every query attends to before the keys of its sequence;
//          ragged: q, k, v packed [N, H, D], a table names each block of rows. out like q, lse [B, Tq, H] (ragged [N, H]).
//          The prefix of causal ragged rows may lie before them and be asked in the same dispatch (params.asks_prefix).
// Layout   any offset, batch, row and head stride that is a multiple of 4 elements; the last axis is dense.
// Tiling   one subgroup (= one workgroup, so control flow stays uniform) owns ROWS query rows of one head. Per step it takes LANES * KEYS keys:
//          lanes hold keys while scores are formed (each lane reads its keys and query rows once, broadcasts feed the ROWS x KEYS tile),
//          then lanes hold slices of the head dimension while probabilities are broadcast onto rows of v. No workgroup memory, no barrier.
// Numerics f32 throughout, online softmax in base 2 over maxima no lower than the lowest float; a score of minus infinity, masked or given, has no
//          weight. A row without any other gives 0 and lse = 1e30.
// Pipelines one for dense and packed rows, causal or not, of every head dimension up to 64 (up to 128: another): these are parameters.
//          PREFIX is not: its branches cost time without a prefix.
// Variants TILE=0 broadcasts within the subgroup. TILE=1 needs none: 32 invocations exchange through workgroup memory (16 KiB at most).
// Measured docs/kernels/attention.md
// Compile: SG=on T=f32 OUT=f32 ROWS=16 KEYS=2 SLICE=4 COLUMNS=2 PREFIX=0 TILE=0 GENERAL=0 | SG=on T=f16 OUT=f16 ROWS=8 KEYS=1 SLICE=2 COLUMNS=1 PREFIX=1 TILE=0 GENERAL=0 | T=f32 OUT=f32 ROWS=8 KEYS=1 SLICE=2 COLUMNS=1 PREFIX=0 TILE=1 DEPTH=16 GENERAL=0 | T=f32 OUT=f32 ROWS=8 KEYS=1 SLICE=2 COLUMNS=1 PREFIX=0 TILE=1 DEPTH=16 GENERAL=1
#if !TILE
enable subgroups;
#endif
#let PASS = "forward"
#let G = T
#let LANES = TILE ? 32 : SG
#let BRANCHES = !TILE && SG >= 8
#let DELTA = 0
#include "attention/elements.wgsl"
#include "attention/bindings.wgsl"
#include "attention/rows.wgsl"
#include "attention/masked.wgsl"
#include "attention/subgroup.wgsl"

#let STEP = LANES * KEYS
// Registers in which a lane holds its query rows.
#let Q_REGISTERS = (ROWS + LANES - 1) / LANES

const LOWEST = -3.4028234e38;

#if TILE
var<workgroup> q_tile: array<vec4<f32>, ${ROWS * DEPTH}>; // scaled
var<workgroup> p_tile: array<f32, ${ROWS * KEYS * LANES}>; // also one value of every lane for each row, while a row is reduced
var<workgroup> row_result: array<f32, ${ROWS}>;

fn reduce_rows_to_max(lane: u32) {
  workgroupBarrier();
  if (lane < ${ROWS}u) {
    var most = LOWEST;
    for (var other = 0u; other < ${LANES}u; other++) { most = max(most, p_tile[lane * ${LANES}u + other]); }
    row_result[lane] = most;
  }
  workgroupBarrier();
}

fn reduce_rows_to_sum(lane: u32) {
  workgroupBarrier();
  if (lane < ${ROWS}u) {
    var total = 0.0;
    for (var other = 0u; other < ${LANES}u; other++) { total += p_tile[lane * ${LANES}u + other]; }
    row_result[lane] = total;
  }
  workgroupBarrier();
}
#endif

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  // 1. The block of query rows, the keys that it attends to, and the slices of the head dimension that this lane sums.
  let block = block_of(group, groups);
  let row_count = select(params.queries, block.length, block.packed);
  let key_count = block.before + select(params.keys, block.length, block.packed);
#if GENERAL
  let key_range = keys_of(block, key_count);
  let key_begin = key_range.x;
  let key_end = key_range.y;
  let mask_origin = mask_origin_of(block.batch, params.first_head + block.head);
#else
  let key_begin = 0u;
  let key_end = min(key_count, block.before + block.first + ${ROWS}u + params.causal_offset);
#endif
  let q_origin = origin_of(params.q, block);
  let kv_block = kv_block_of(block);
  let k_operand = operand_of(params.k, params.prefix_k, kv_block);
  let v_operand = operand_of(params.v, params.prefix_v, kv_block);
  let side = side_of(lane);
#for c in COLUMNS
  let slice_${c} = slice_of(lane, ${c}u);
  let quad_${c} = quad_of(slice_${c});
#endfor

  // 2. Query rows: in workgroup memory, or one row a lane. State of the online softmax: a lane's part of the sum l, its slices of acc.
#if TILE
  for (var i = lane; i < ${ROWS}u * params.depth; i += ${LANES}u) {
    q_tile[i] = params.scale * widen(q[q_origin + min(block.first + i / params.depth, max(row_count, 1u) - 1u) * params.q.z + i % params.depth]);
  }
  workgroupBarrier();
#else
#for g in Q_REGISTERS
  let q_row${g} = q_origin + min(block.first + ${g * LANES}u + lane, max(row_count, 1u) - 1u) * params.q.z;
#endfor
#endif
  var minus_infinity_bits = 0xff800000u; // of a variable: WGSL has no constant for minus infinity
  let minus_infinity = bitcast<f32>(minus_infinity_bits);
#for i in ROWS
  var m${i} = LOWEST;
  var l${i} = 0.0;
#for c in COLUMNS
  var acc${i}_${c} = vec${SLICE}<f32>();
#endfor
#endfor

  for (var step = key_begin; step < key_end; step += ${STEP}u) {
    // 3. qk = scale q k^T: lanes hold KEYS keys each. Rows go in groups of 8, and a group after the last row is skipped.
    let key = step + lane * ${KEYS}u;
#for t in KEYS
    let k_row${t} = row_of(k_operand, min(key + ${t}u, key_count - 1u));
#for i in ROWS
    var qk${i}_${t} = 0.0;
#endfor
#endfor
    for (var d = 0u; d < params.depth; d++) {
#for t in KEYS
      let k${t} = widen(load_k(k_row${t}, d));
#endfor
#if !TILE
#for g in Q_REGISTERS
#if g > 0 && BRANCHES
      var q${g} = vec4<f32>();
      if (block.first + ${g * LANES}u < row_count) { q${g} = widen(q[q_row${g} + d]) * params.scale; }
#else
      let q${g} = widen(q[q_row${g} + d]) * params.scale;
#endif
#endfor
#endif
#for g in ROWS / 8
#if g > 0
      if (block.first + ${8 * g}u < row_count)
#endif
      {
#for i in 8 * g..8 * g + 8
        {
#if TILE
          let q_i = q_tile[${i}u * params.depth + d];
#else
          let q_i = ${BROADCAST}(q${i / LANES}, ${i % LANES}u);
#endif
#for t in KEYS
          qk${i}_${t} += dot(q_i, k${t});
#endfor
        }
#endfor
      }
#endfor
    }

    // 4. The mask, and the maximum of each row.
#for i in ROWS
#if GENERAL
#for t in KEYS
    {
      let at = masked(mask_origin, min(block.first + ${i}u, row_count - 1u), min(key + ${t}u, key_count - 1u));
      qk${i}_${t} = select(minus_infinity, qk${i}_${t} + at.bias, at.seen & (key + ${t}u < key_end));
    }
#endfor
#else
    let row_end${i} = min(key_end, block.before + block.first + ${i + 1}u + params.causal_offset);
#for t in KEYS
    qk${i}_${t} = select(minus_infinity, qk${i}_${t}, key + ${t}u < row_end${i});
#endfor
#endif
    var lane_m${i} = qk${i}_0;
#for t in 1..KEYS
    lane_m${i} = max(lane_m${i}, qk${i}_${t});
#endfor
#endfor
#if TILE
#for i in ROWS
    p_tile[${i * LANES}u + lane] = lane_m${i};
#endfor
    reduce_rows_to_max(lane);
#endif

    // 5. Online softmax: p = exp2(qk - m), what was summed so far shrinks by alpha.
#for i in ROWS
#for t in KEYS
    var p${i}_${t} = 0.0;
#endfor
#endfor
#for g in ROWS / 8
#if g > 0
    if (block.first + ${8 * g}u < row_count)
#endif
    {
#for i in 8 * g..8 * g + 8
      {
        let m_next = max(m${i}, ${TILE ? "row_result[" + i + "]" : "lane_max(lane_m" + i + ")"});
        let alpha = exp2(m${i} - m_next);
        m${i} = m_next;
        l${i} *= alpha;
#for t in KEYS
        p${i}_${t} = exp2(qk${i}_${t} - m_next);
        l${i} += p${i}_${t};
#if TILE
        p_tile[${(i * KEYS + t) * LANES}u + lane] = p${i}_${t};
#endif
#endfor
#for c in COLUMNS
        acc${i}_${c} *= alpha;
#endfor
      }
#endfor
    }
#endfor

    // 6. acc += p v: lanes turn from keys to slices of the head dimension. The p of one lane after the other is handed to all, and meets its rows of v.
#if TILE
    workgroupBarrier();
#endif
    let turns = min(${LANES}u, (key_end - step + ${KEYS - 1}u) / ${KEYS}u);
    for (var turn = 0u; turn < turns; turn += 1u + params.split) {
      let source = turn + side;
#for t in KEYS
      let v_row${t} = row_of(v_operand, min(step + source * ${KEYS}u + ${t}u, key_end - 1u));
#for c in COLUMNS
      let v${t}_${c} = slice(widen(load_v(v_row${t}, quad_${c})), lane);
#endfor
#endfor
#for g in ROWS / 8
#if g > 0
      if (block.first + ${8 * g}u < row_count)
#endif
      {
#for i in 8 * g..8 * g + 8
        {
#for t in KEYS
          let p${t} = ${TILE ? "p_tile[" + (i * KEYS + t) * LANES + "u + source]" : "subgroupShuffle(p" + i + "_" + t + ", source)"};
#endfor
#for c in COLUMNS
#for t in KEYS
          acc${i}_${c} += p${t} * v${t}_${c};
#endfor
#endfor
        }
#endfor
      }
#endfor
    }
#if TILE
    workgroupBarrier(); // the next step overwrites p_tile
#endif
  }

  // 7. The sum of each row over the lanes.
#if TILE
#for i in ROWS
  p_tile[${i * LANES}u + lane] = l${i};
#endfor
  reduce_rows_to_sum(lane);
#endif
#for i in ROWS
  l${i} = ${TILE ? "row_result[" + i + "]" : "lane_sum(l" + i + ")"};
#endfor

  // 8. out = acc / l and lse. Few store sites keep compilation short on CPU adapters: each pass writes one row of every eight. The shift gives 0, but
  // compilers cannot know, and do not unroll the loop.
  let out_origin = origin_of(params.out, block);
  let lse_origin = origin_of(params.lse, block);
  for (var i = 0u; i < 8u + (params.depth >> 31u); i++) {
#for r in ROWS / 8
#let F = 8 * r
    {
      let row = block.first + ${F}u + i;
      let m = pick(i, m${F}, m${F + 1}, m${F + 2}, m${F + 3}, m${F + 4}, m${F + 5}, m${F + 6}, m${F + 7});
      let l = pick(i, l${F}, l${F + 1}, l${F + 2}, l${F + 3}, l${F + 4}, l${F + 5}, l${F + 6}, l${F + 7});
      let inverse = select(1.0 / l, 0.0, l == 0.0);
#for c in COLUMNS
      let acc_${c} = merge_split(pick_slice(i, acc${F}_${c}, acc${F + 1}_${c}, acc${F + 2}_${c}, acc${F + 3}_${c}, acc${F + 4}_${c}, acc${F + 5}_${c}, acc${F + 6}_${c}, acc${F + 7}_${c}));
      if (row < row_count && side == 0u && slice_${c} < params.depth * ${SLICES}u) {
        out[out_origin + row * params.out.z + slice_${c}] = narrow(inverse * acc_${c});
      }
#endfor
      if (row < row_count && lane == 0u) {
        lse[lse_origin + row * params.lse.z] = select((m + log2(l)) * 0.6931471805599453, 1e30, l == 0.0);
      }
    }
#endfor
  }
}
