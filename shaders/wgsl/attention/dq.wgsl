// Attention backward, subgroup form: gradient of the queries.
//
// Shapes   as attention/forward.wgsl; grad (of the output) like q; stats [B, Tq, H, 2] of attention/delta.wgsl, or (DELTA=1) formed and written here; dq like q.
// Tiling   that of the forward kernel: lanes hold keys while scores (qk = q k^T) and dp = grad v^T form together, then ds = p (dp - delta) is
//          broadcast onto rows of k. p is recomputed from the saved log-sum-exp, so there is no T x T buffer; no workgroup memory, barrier or atomic.
// Numerics f32; p = exp2(scale log2(e) qk - lse log2(e)); fully masked rows have lse 1e30, so p = 0.
// Variants TILE=0 broadcasts within the subgroup. TILE=1 needs none: 32 invocations exchange through workgroup memory (16 KiB at most).
// Measured docs/kernels/attention.md
// Compile: SG=on T=f32 G=f32 OUT=f32 ROWS=16 KEYS=2 SLICE=4 COLUMNS=2 PREFIX=1 TILE=0 GENERAL=0 DELTA=1 BUFFERS=9 | SG=on T=f16 G=f16 OUT=f16 ROWS=8 KEYS=1 SLICE=2 COLUMNS=1 PREFIX=1 TILE=0 GENERAL=0 DELTA=1 BUFFERS=9 | T=f32 G=f32 OUT=f32 ROWS=8 KEYS=1 SLICE=2 COLUMNS=1 PREFIX=0 TILE=1 DEPTH=16 GENERAL=0 DELTA=1 BUFFERS=9 | T=f32 G=f32 OUT=f32 ROWS=8 KEYS=1 SLICE=2 COLUMNS=1 PREFIX=0 TILE=1 DEPTH=16 GENERAL=1 DELTA=0
#if !TILE
enable subgroups;
#endif
#let PASS = "dq"
#let LANES = TILE ? 32 : SG
#let BRANCHES = !TILE && SG >= 8
#include "attention/elements.wgsl"
#include "attention/bindings.wgsl"
#include "attention/rows.wgsl"
#include "attention/masked.wgsl"
#include "attention/subgroup.wgsl"

#let STEP = LANES * KEYS
// Registers in which a lane holds its rows of q and grad.
#let Q_REGISTERS = (ROWS + LANES - 1) / LANES

#if TILE
var<workgroup> q_tile: array<vec4<f32>, ${ROWS * DEPTH}>;
var<workgroup> grad_tile: array<vec4<f32>, ${ROWS * DEPTH}>;
var<workgroup> ds_tile: array<f32, ${ROWS * KEYS * LANES}>;
var<workgroup> stat_tile: array<vec2<f32>, ${ROWS}>;
#endif

// Both statistics of a row, as attention/delta.wgsl has them.
fn stat_of(row: u32, block: Block, grad_row: u32) -> vec2<f32> {
#if DELTA
  let out_row = origin_of(params.out, block) + row * params.out.z;
  var delta = 0.0;
  for (var d = 0u; d < params.depth; d++) { delta += dot(widen(out[out_row + d]), widen_grad(grad[grad_row + d])); }
  return vec2<f32>(lse[origin_of(params.lse, block) + row * params.lse.z] * 1.4426950408889634, delta);
#else
  return stats[origin_of(params.stats, block) + row * params.stats.z];
#endif
}

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
  let grad_origin = origin_of(params.grad, block);
  let kv_block = kv_block_of(block);
  let k_operand = operand_of(params.k, params.prefix_k, kv_block);
  let v_operand = operand_of(params.v, params.prefix_v, kv_block);
  let side = side_of(lane);
#for c in COLUMNS
  let slice_${c} = slice_of(lane, ${c}u);
  let quad_${c} = quad_of(slice_${c});
#endfor

  // 2. Rows of q and grad: in workgroup memory, or one row a lane.
#if TILE
  for (var i = lane; i < ${ROWS}u * params.depth; i += ${LANES}u) {
    let row = min(block.first + i / params.depth, max(row_count, 1u) - 1u);
    q_tile[i] = widen(q[q_origin + row * params.q.z + i % params.depth]);
    grad_tile[i] = widen_grad(grad[grad_origin + row * params.grad.z + i % params.depth]);
  }
  if (lane < ${ROWS}u) {
    let row = min(block.first + lane, max(row_count, 1u) - 1u);
    let stat = stat_of(row, block, grad_origin + row * params.grad.z);
    stat_tile[lane] = stat;
#if DELTA
    if (block.first + lane < row_count) { stats[origin_of(params.stats, block) + row * params.stats.z] = stat; }
#endif
  }
  workgroupBarrier();
#else
#for g in Q_REGISTERS
  let row${g} = min(block.first + ${g * LANES}u + lane, max(row_count, 1u) - 1u);
  let q_row${g} = q_origin + row${g} * params.q.z;
  let grad_row${g} = grad_origin + row${g} * params.grad.z;
  let stat${g} = stat_of(row${g}, block, grad_row${g});
#if DELTA
  if (${g * LANES}u + lane < ${ROWS}u && block.first + ${g * LANES}u + lane < row_count) {
    stats[origin_of(params.stats, block) + row${g} * params.stats.z] = stat${g};
  }
#endif
#endfor
#endif
#for i in ROWS
#for c in COLUMNS
  var dq${i}_${c} = vec${SLICE}<f32>();
#endfor
#endfor
  let scale = params.scale * 1.4426950408889634;

  for (var step = key_begin; step < key_end; step += ${STEP}u) {
    // 3. qk = q k^T and dp = grad v^T: lanes hold KEYS keys each. Rows go in groups of 8, and a group after the last row is skipped.
    let key = step + lane * ${KEYS}u;
#for t in KEYS
    let k_row${t} = row_of(k_operand, min(key + ${t}u, key_count - 1u));
    let v_row${t} = row_of(v_operand, min(key + ${t}u, key_count - 1u));
#for i in ROWS
    var qk${i}_${t} = 0.0;
    var dp${i}_${t} = 0.0;
#endfor
#endfor
    for (var d = 0u; d < params.depth; d++) {
#for t in KEYS
      let k${t} = widen(load_k(k_row${t}, d));
      let v${t} = widen(load_v(v_row${t}, d));
#endfor
#if !TILE
#for g in Q_REGISTERS
#if g > 0 && BRANCHES
      var q${g} = vec4<f32>();
      var grad${g} = vec4<f32>();
      if (block.first + ${g * LANES}u < row_count) {
        q${g} = widen(q[q_row${g} + d]);
        grad${g} = widen_grad(grad[grad_row${g} + d]);
      }
#else
      let q${g} = widen(q[q_row${g} + d]);
      let grad${g} = widen_grad(grad[grad_row${g} + d]);
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
          let grad_i = grad_tile[${i}u * params.depth + d];
#else
          let q_i = ${BROADCAST}(q${i / LANES}, ${i % LANES}u);
          let grad_i = ${BROADCAST}(grad${i / LANES}, ${i % LANES}u);
#endif
#for t in KEYS
          qk${i}_${t} += dot(q_i, k${t});
          dp${i}_${t} += dot(grad_i, v${t});
#endfor
        }
#endfor
      }
#endfor
    }

    // 4. ds = p (dp - delta), 0 where masked. From here on qk holds ds.
#for g in ROWS / 8
#if g > 0
    if (block.first + ${8 * g}u < row_count)
#endif
    {
#for i in 8 * g..8 * g + 8
      {
#if !GENERAL
        let row_end = min(key_end, block.before + block.first + ${i + 1}u + params.causal_offset);
#endif
#if TILE
        let stat = stat_tile[${i}];
#else
        let stat = ${BROADCAST}(stat${i / LANES}, ${i % LANES}u);
#endif
#for t in KEYS
#if GENERAL
        let at${t} = masked(mask_origin, min(block.first + ${i}u, row_count - 1u), min(key + ${t}u, key_count - 1u));
        let ds${t} = select(0.0, exp2(qk${i}_${t} * scale + at${t}.bias - stat.x) * (dp${i}_${t} - stat.y), at${t}.seen & (key + ${t}u < key_end));
#else
        let ds${t} = select(0.0, exp2(qk${i}_${t} * scale - stat.x) * (dp${i}_${t} - stat.y), key + ${t}u < row_end);
#endif
        qk${i}_${t} = ds${t};
#if TILE
        ds_tile[${(i * KEYS + t) * LANES}u + lane] = ds${t};
#endif
#endfor
      }
#endfor
    }
#endfor

    // 5. dq += ds k: lanes turn from keys to slices of the head dimension. The ds of one lane after the other is handed to all, and meets its rows of k.
#if TILE
    workgroupBarrier();
#endif
    let turns = min(${LANES}u, (key_end - step + ${KEYS - 1}u) / ${KEYS}u);
    for (var turn = 0u; turn < turns; turn += 1u + params.split) {
      let source = turn + side;
#for t in KEYS
      let source_row${t} = row_of(k_operand, min(step + source * ${KEYS}u + ${t}u, key_end - 1u));
#for c in COLUMNS
      let k${t}_${c} = slice(widen(load_k(source_row${t}, quad_${c})), lane);
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
          let ds${t} = ${TILE ? "ds_tile[" + (i * KEYS + t) * LANES + "u + source]" : "subgroupShuffle(qk" + i + "_" + t + ", source)"};
#endfor
#for c in COLUMNS
#for t in KEYS
          dq${i}_${c} += ds${t} * k${t}_${c};
#endfor
#endfor
        }
#endfor
      }
#endfor
    }
#if TILE
    workgroupBarrier(); // the next step overwrites ds_tile
#endif
  }

  // 6. Few store sites keep compilation short on CPU adapters: each pass writes one row of every eight. The shift gives 0, but compilers cannot know,
  // and do not unroll the loop.
  let dq_origin = origin_of(params.dq, block);
  for (var i = 0u; i < 8u + (params.depth >> 31u); i++) {
#for r in ROWS / 8
#let F = 8 * r
    {
      let row = block.first + ${F}u + i;
#for c in COLUMNS
      let dq_${c} = merge_split(pick_slice(i, dq${F}_${c}, dq${F + 1}_${c}, dq${F + 2}_${c}, dq${F + 3}_${c}, dq${F + 4}_${c}, dq${F + 5}_${c}, dq${F + 6}_${c}, dq${F + 7}_${c}));
      if (row < row_count && side == 0u && slice_${c} < params.depth * ${SLICES}u) {
        dq[dq_origin + row * params.dq.z + slice_${c}] = narrow(params.scale * dq_${c});
      }
#endfor
    }
#endfor
  }
}
