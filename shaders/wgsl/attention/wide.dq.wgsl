// Attention backward, for GPUs: gradient of the queries, as attention/flash.dq.wgsl.
//
// Shapes   as attention/dq.wgsl, as are layout, parameters, masks and what is written, with DELTA=1 the statistics of queries too.
// Tiling   attention/wide.tiles.wgsl. Of a step its values are staged for dp = grad v^T, and its keys for scores and for the sums.
// Numerics f32; p = exp2(scale log2(e) qk - lse log2(e)); rows without keys have lse 1e30, so p = 0. With DELTA=1 the TX invocations of a row share the sum
//          of grad * out: each adds up its quads tx + TX c, then all add the parts in one order.
// Measured docs/kernels/attention.md
// Compile: T=f32 G=f32 OUT=f32 ROWS=32 STEP=32 THREADS=32 TX=8 DIRECT=0 STAGES=1 PREFETCH=1 DEPTH=16 PREFIX=1 BYTES=29000 GENERAL=0 DELTA=1 BUFFERS=9 | T=f16 G=f32 OUT=f32 ROWS=32 STEP=32 THREADS=64 TX=8 DIRECT=1 STAGES=2 PREFETCH=1 DEPTH=8 PREFIX=0 GENERAL=1 DELTA=0
#let PASS = "dq"
#let SLICE = 4
#let BRANCHES = 0
#include "attention/elements.wgsl"
#include "attention/bindings.wgsl"
#include "attention/rows.wgsl"
#include "attention/masked.wgsl"
#include "attention/wide.tiles.wgsl"

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  // 1. The block of query rows and the keys that it attends to.
  let block = block_of(group, groups);
  let row_count = select(params.queries, block.length, block.packed);
  let key_count = params.prefix_len + select(params.keys, block.length, block.packed);
#if GENERAL
  let key_range = keys_of(block, key_count);
  let key_begin = key_range.x;
  let key_end = key_range.y;
  let mask_origin = mask_origin_of(block.batch, params.first_head + block.head);
#else
  let key_begin = 0u;
  let key_end = min(key_count, params.prefix_len + block.first + ${ROWS}u + params.causal_offset);
#endif
  let q_origin = origin_of(params.q, block);
  let grad_origin = origin_of(params.grad, block);
  let stats_origin = origin_of(params.stats, block);
  let kv_block = kv_block_of(block);
  let k_operand = operand_of(params.k, params.prefix_k, kv_block);
  let v_operand = operand_of(params.v, params.prefix_v, kv_block);
  let ty = (thread & 1u) | ((thread / ${2 * TX}u) << 1u);
  let tx = thread / 2u % ${TX}u;
  let first_row = block.first + ${TM}u * ty;
#if WARPS > 1
  let warp_row = block.first + thread / 32u * ${32 / TX * TM}u;
#if GENERAL
  let warp_end = select(0u, key_end, warp_row < row_count);
#else
  let warp_end = select(0u, min(key_end, params.prefix_len + warp_row + ${32 / TX * TM}u + params.causal_offset), warp_row < row_count);
#endif
#else
  let warp_end = key_end;
#endif
#if !GENERAL
#for g in GROUPS
  let row_ends${g} = min(vec4<u32>(key_end), vec4<u32>(params.prefix_len + first_row + params.causal_offset) + vec4<u32>(${4 * g + 1}u, ${4 * g + 2}u, ${4 * g + 3}u, ${4 * g + 4}u));
#endfor
#endif

  // 2. Rows of q and grad, and their statistics: those of attention/delta.wgsl, or formed here for the pass dkv.
  let q_rows = Rows(
#for i in TM
    q_origin + min(first_row + ${i}u, max(row_count, 1u) - 1u) * params.q.z,
#endfor
  );
  let grad_rows = Rows(
#for i in TM
    grad_origin + min(first_row + ${i}u, max(row_count, 1u) - 1u) * params.grad.z,
#endfor
  );
#if !DIRECT
  for (var i = thread; i < ${ROWS * DEPTH}u; i += ${THREADS}u) {
    let r = i / ${DEPTH}u;
    let row = min(block.first + r, max(row_count, 1u) - 1u);
    let d = i % ${DEPTH}u;
    let quad = min(d, params.depth - 1u);
    let at_row = turned(r / ${TM}u, d);
    q_tile[d][r % ${TM}u][at_row] = select(vec4<f32>(), widen(q[q_origin + row * params.q.z + quad]), d < params.depth);
    grad_tile[d][r % ${TM}u][at_row] = select(vec4<f32>(), widen_grad(grad[grad_origin + row * params.grad.z + quad]), d < params.depth);
  }
#endif
#if DELTA
  let out_origin = origin_of(params.out, block);
  let lse_origin = origin_of(params.lse, block);
  workgroupBarrier();
#for g in GROUPS
  {
    var part = vec4<f32>();
#for i in 4
    let out_row${i} = out_origin + min(first_row + ${4 * g + i}u, max(row_count, 1u) - 1u) * params.out.z;
#for c in DEPTH / TX
#if DIRECT
    {
      let d = tx + ${TX * c}u;
      let quad = min(d, params.depth - 1u);
      part[${i}] += select(0.0, dot(widen(out[out_row${i} + quad]), widen_grad(grad[grad_rows.row${4 * g + i} + quad])), d < params.depth);
    }
#else
    // Beyond the head dimension grad_tile is 0.
    part[${i}] += dot(widen(out[out_row${i} + min(tx + ${TX * c}u, params.depth - 1u)]), grad_tile[tx + ${TX * c}u][${4 * g + i}][turned(ty, tx)]);
#endif
#endfor
#endfor
    p_tile[${g}][tx][turned(ty, tx)] = part;
  }
#endfor
  workgroupBarrier();
#for g in GROUPS
  var delta${g} = vec4<f32>();
  for (var t = 0u; t < ${TX}u; t++) { delta${g} += p_tile[${g}][t][turned(ty, t)]; }
#endfor
  workgroupBarrier(); // the first step overwrites what is read here
#endif
#for i in TM
  let stat_row${i} = min(first_row + ${i}u, max(row_count, 1u) - 1u);
#if DELTA
  let stat${i} = vec2<f32>(lse[lse_origin + stat_row${i} * params.lse.z] * 1.4426950408889634, delta${i / 4}[${i % 4}]);
  if (tx == 0u && first_row + ${i}u < row_count) { stats[stats_origin + stat_row${i} * params.stats.z] = stat${i}; }
#else
  let stat${i} = stats[stats_origin + stat_row${i} * params.stats.z];
#endif
#for c in DEPTH / TX
  var dq${i}_${c} = vec4<f32>();
#endfor
#endfor
  let scale = params.scale * 1.4426950408889634;

  let last = max(key_end, 1u) - 1u;
#if STAGES == 2
  load_stage_k(k_operand, key_begin, last, thread);
#endif
  load_stage_v(v_operand, key_begin, last, thread);
  workgroupBarrier();
  for (var step = key_begin; step < key_end; step += ${STEP}u) {
    let is_active = step < warp_end;
    let few = key_end - step <= ${4 * TX}u;
    // 3. dp = grad v^T and qk = q k^T.
    var dp: Scores;
    var qk: Scores;
#if STAGES == 1
#if PREFETCH
    let k_next = fetch_k(k_operand, step, last, thread);
#endif
    if (is_active) { dp = grad_dot_staged(grad_rows, ty, tx, few); }
    workgroupBarrier();
#if PREFETCH
    stage_k(k_next, thread);
#else
    load_stage_k(k_operand, step, last, thread);
#endif
    workgroupBarrier();
    if (is_active) { qk = q_dot_staged(q_rows, ty, tx, few); }
#else
    if (is_active) {
      dp = grad_dot_staged(grad_rows, ty, tx, few);
      qk = q_dot_staged(q_rows, ty, tx, few);
    }
#endif

    // 4. ds = p (dp - delta), 0 where masked.
#for b in HALVES
    let key${b} = vec4<u32>(step + ${4 * TX * b}u + 4u * tx) + vec4<u32>(0u, 1u, 2u, 3u);
#endfor
#for i in TM
#for b in HALVES
#if GENERAL
#for j in 4
    let at${i}_${b}_${j} = masked(mask_origin, min(first_row + ${i}u, row_count - 1u), min(key${b}[${j}], last));
#endfor
    let seen${i}_${b} = (key${b} < vec4<u32>(key_end)) & vec4<bool>(at${i}_${b}_0.seen, at${i}_${b}_1.seen, at${i}_${b}_2.seen, at${i}_${b}_3.seen);
    let bias${i}_${b} = vec4<f32>(at${i}_${b}_0.bias, at${i}_${b}_1.bias, at${i}_${b}_2.bias, at${i}_${b}_3.bias);
    p_tile[${i}][tx + ${TX * b}u][turned(ty, tx)] = select(vec4<f32>(), exp2(qk.row${i}_${b} * scale + bias${i}_${b} - stat${i}.x) * (dp.row${i}_${b} - stat${i}.y), seen${i}_${b});
#else
    p_tile[${i}][tx + ${TX * b}u][turned(ty, tx)] = select(vec4<f32>(), exp2(qk.row${i}_${b} * scale - stat${i}.x) * (dp.row${i}_${b} - stat${i}.y), key${b} < vec4<u32>(row_ends${i / 4}[${i % 4}]));
#endif
#endfor
#endfor
    workgroupBarrier();

    // 5. dq += ds k.
    let has_next = step + ${STEP}u < key_end;
#if PREFETCH
    var v_next: Fetched_v;
    if (has_next) { v_next = fetch_v(v_operand, step + ${STEP}u, last, thread); }
#if STAGES == 2
    var k_next: Fetched_k;
    if (has_next) { k_next = fetch_k(k_operand, step + ${STEP}u, last, thread); }
#endif
#endif
    if (is_active) {
      let quads = min(${STEP / 4}u, (warp_end - step + 3u) / 4u);
      for (var t = 0u; t < quads; t++) {
        let at = (tx & 7u) ^ (t & 7u);
        let at_row = turned(ty, t);
        let row = t / 8u * 4u;
#for j in 4
#for c in DEPTH / TX
        let k${j}_${c} = staged[0][tx + ${TX * c}u][row + ${j}u][at];
#endfor
#endfor
#for i in TM
        {
          let ds = p_tile[${i}][t][at_row];
#for j in 4
#for c in DEPTH / TX
          dq${i}_${c} = fma(vec4<f32>(ds.${"xyzw"[j]}), k${j}_${c}, dq${i}_${c});
#endfor
#endfor
        }
#endfor
      }
    }
    workgroupBarrier(); // the next step overwrites what is read here
    if (has_next) {
#if PREFETCH
      stage_v(v_next, thread);
#if STAGES == 2
      stage_k(k_next, thread);
#endif
#else
      load_stage_v(v_operand, step + ${STEP}u, last, thread);
#if STAGES == 2
      load_stage_k(k_operand, step + ${STEP}u, last, thread);
#endif
#endif
    }
    workgroupBarrier();
  }

  // 6. The gradient of qk is that of scale q k^T, so far without its scale.
  let dq_origin = origin_of(params.dq, block);
#for i in TM
  if (first_row + ${i}u < row_count) {
    let dq_at = dq_origin + (first_row + ${i}u) * params.dq.z + tx;
#for c in DEPTH / TX
    if (tx + ${TX * c}u < params.depth) { dq[dq_at + ${TX * c}u] = narrow(params.scale * dq${i}_${c}); }
#endfor
  }
#endfor
}
