// Attention backward, for GPUs: gradients of keys and values, as attention/flash.dkv.wgsl.
//
// Shapes   as attention/dkv.wgsl, as are layout, parameters, masks and what is written, the shared prefix in chunks of queries included.
// Tiling   attention/wide.tiles.wgsl with keys as the block's rows. Queries are staged for scores and for the sums of dk, output gradients for dp and for
//          those of dv; with STAGES=1 queries twice. An invocation reads back the p that it wrote, which spares registers.
// Numerics f32; p = exp2(scale log2(e) qk - lse log2(e)).
// Measured docs/kernels/attention.md
// Compile: T=f32 G=f32 OUT=f32 ROWS=32 STEP=32 THREADS=32 TX=8 DIRECT=0 STAGES=1 PREFETCH=1 DEPTH=16 BYTES=29000 GENERAL=0 | T=f16 G=f16 OUT=f32 ROWS=32 STEP=32 THREADS=64 TX=8 DIRECT=1 STAGES=2 PREFETCH=0 DEPTH=8 GENERAL=1
#let PASS = "dkv"
#let SLICE = 4
#let PREFIX = 0
#let DELTA = 0
#let BRANCHES = 0
#include "attention/elements.wgsl"
#include "attention/bindings.wgsl"
#include "attention/rows.wgsl"
#include "attention/masked.wgsl"
#include "attention/wide.tiles.wgsl"
#let GRAD = STAGES - 1
#let DS = STAGES == 2 ? "ds_tile" : "p_tile"

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  // 1. The block of keys and the queries that attend to it: for a causal key those from its row on.
  let block = block_of(group, groups);
  let row_count = select(params.keys, block.length, block.packed);
  let query_count = select(min(params.queries, params.rows - block.batch * params.queries), block.length, block.packed);
#if GENERAL
  let query_range = queries_of(block, query_count);
  let query_begin = query_range.x;
  let query_end = query_range.y;
#else
  let query_begin = block.first - min(block.first, params.causal_offset);
  let query_end = query_count;
#endif
  let k_origin = origin_of(params.k, block);
  let v_origin = origin_of(params.v, block);
  let ty = (thread & 1u) | ((thread / ${2 * TX}u) << 1u);
  let tx = thread / 2u % ${TX}u;
  let first_row = block.first + ${TM}u * ty;
#if WARPS > 1
  // The rows of 32 invocations, which skip products of rows or queries that there are not.
  let warp_row = block.first + thread / 32u * ${32 / TX * TM}u;
#if GENERAL
  let warp_begin = select(0xffffffffu, query_begin, warp_row < row_count);
#else
  let warp_begin = select(0xffffffffu, warp_row - min(warp_row, params.causal_offset), warp_row < row_count);
#endif
#endif

  // 2. Rows of k and v.
  let k_rows = Rows(
#for i in TM
    k_origin + min(first_row + ${i}u, max(row_count, 1u) - 1u) * params.k.z,
#endfor
  );
  let v_rows = Rows(
#for i in TM
    v_origin + min(first_row + ${i}u, max(row_count, 1u) - 1u) * params.v.z,
#endfor
  );
#if !DIRECT
  for (var i = thread; i < ${ROWS * DEPTH}u; i += ${THREADS}u) {
    let r = i / ${DEPTH}u;
    let row = min(block.first + r, max(row_count, 1u) - 1u);
    let d = i % ${DEPTH}u;
    let quad = min(d, params.depth - 1u);
    let at_row = turned(r / ${TM}u, d);
    k_tile[d][r % ${TM}u][at_row] = select(vec4<f32>(), widen(k[k_origin + row * params.k.z + quad]), d < params.depth);
    v_tile[d][r % ${TM}u][at_row] = select(vec4<f32>(), widen(v[v_origin + row * params.v.z + quad]), d < params.depth);
  }
#endif
#for i in TM
#for c in DEPTH / TX
  var dk${i}_${c} = vec4<f32>();
  var dv${i}_${c} = vec4<f32>();
#endfor
#endfor
  let scale = params.scale * 1.4426950408889634;

  let last = max(query_end, 1u) - 1u;
#if GENERAL
  for (var member = 0u; member < params.group; member++) {
  let query_block = query_block_of(block, member);
  let mask_origin = mask_origin_of(block.batch, query_block.head);
#else
  let query_block = block;
#endif
  let q_operand = operand_of(params.q, NO_PREFIX, query_block);
  let grad_operand = operand_of(params.grad, NO_PREFIX, query_block);
  let stats_origin = origin_of(params.stats, query_block);
  load_stage_q(q_operand, query_begin, last, thread);
#if STAGES == 2
  load_stage_grad(grad_operand, query_begin, last, thread);
#endif
  workgroupBarrier();
  for (var step = query_begin; step < query_end; step += ${STEP}u) {
    // 3. p = exp2(k q^T - lse), transposed: rows are keys; 0 where masked.
#if WARPS > 1
    let is_active = warp_begin < step + ${STEP}u;
#else
    let is_active = true;
#endif
    let few = query_end - step <= ${4 * TX}u;
#if STAGES == 1 && PREFETCH
    let grad_next = fetch_grad(grad_operand, step, last, thread);
#endif
    var qk: Scores;
    if (is_active) { qk = k_dot_staged(k_rows, ty, tx, few); }
#for b in HALVES
    let query${b} = vec4<u32>(step + ${4 * TX * b}u + 4u * tx) + vec4<u32>(0u, 1u, 2u, 3u);
#for j in 4
    let stat${b}_${j} = stats[stats_origin + min(query${b}[${j}], last) * params.stats.z];
#endfor
    let lse${b} = vec4<f32>(stat${b}_0.x, stat${b}_1.x, stat${b}_2.x, stat${b}_3.x);
    let delta${b} = vec4<f32>(stat${b}_0.y, stat${b}_1.y, stat${b}_2.y, stat${b}_3.y);
#endfor
#for i in TM
#for b in HALVES
#if GENERAL
#for j in 4
    let at${i}_${b}_${j} = masked(mask_origin, min(query${b}[${j}], last), min(first_row + ${i}u, row_count - 1u));
#endfor
    let seen${i}_${b} = (query${b} < vec4<u32>(query_end)) & vec4<bool>(at${i}_${b}_0.seen, at${i}_${b}_1.seen, at${i}_${b}_2.seen, at${i}_${b}_3.seen);
    let bias${i}_${b} = vec4<f32>(at${i}_${b}_0.bias, at${i}_${b}_1.bias, at${i}_${b}_2.bias, at${i}_${b}_3.bias);
    p_tile[${i}][tx + ${TX * b}u][turned(ty, tx)] = select(vec4<f32>(), exp2(qk.row${i}_${b} * scale + bias${i}_${b} - lse${b}), seen${i}_${b});
#else
    let seen${i}_${b} = (query${b} < vec4<u32>(query_end)) & (query${b} + vec4<u32>(params.causal_offset) >= vec4<u32>(first_row + ${i}u));
    p_tile[${i}][tx + ${TX * b}u][turned(ty, tx)] = select(vec4<f32>(), exp2(qk.row${i}_${b} * scale - lse${b}), seen${i}_${b});
#endif
#endfor
#endfor
#if STAGES == 1
    workgroupBarrier();
#if PREFETCH
    stage_grad(grad_next, thread);
#else
    load_stage_grad(grad_operand, step, last, thread);
#endif
    workgroupBarrier();
#endif

    // 4. dp = v grad^T, and ds = p (dp - delta). An invocation reads the p that it wrote.
#if STAGES == 1 && PREFETCH
    let q_again = fetch_q(q_operand, step, last, thread);
#endif
    var dp: Scores;
    if (is_active) { dp = v_dot_staged(v_rows, ty, tx, few); }
#for i in TM
#for b in HALVES
#let MINUS = "select(vec4<f32>(), p_tile[" + i + "][tx + " + TX * b + "u][turned(ty, tx)] * (dp.row" + i + "_" + b + " - delta" + b + "), seen" + i + "_" + b + ")"
#if STAGES == 2
    ds_tile[${i}][tx + ${TX * b}u][turned(ty, tx)] = ${MINUS};
#else
    let ds${i}_${b} = ${MINUS};
#endif
#endfor
#endfor
#if STAGES == 2
    workgroupBarrier();
#endif

    // 5. dv += p grad.
    let has_next = step + ${STEP}u < query_end;
#if STAGES == 2 && PREFETCH
    var q_next: Fetched_q;
    var grad_next: Fetched_grad;
    if (has_next) {
      q_next = fetch_q(q_operand, step + ${STEP}u, last, thread);
      grad_next = fetch_grad(grad_operand, step + ${STEP}u, last, thread);
    }
#endif
    let quads = select(0u, min(${STEP / 4}u, (query_end - step + 3u) / 4u), is_active);
    for (var t = 0u; t < quads; t++) {
      let at = (tx & 7u) ^ (t & 7u);
      let at_row = turned(ty, t);
      let row = t / 8u * 4u;
#for j in 4
#for c in DEPTH / TX
      let grad${j}_${c} = staged[${GRAD}][tx + ${TX * c}u][row + ${j}u][at];
#endfor
#endfor
#for i in TM
      {
        let p = p_tile[${i}][t][at_row];
#for j in 4
#for c in DEPTH / TX
        dv${i}_${c} = fma(vec4<f32>(p.${"xyzw"[j]}), grad${j}_${c}, dv${i}_${c});
#endfor
#endfor
      }
#endfor
    }

    // 6. dk += ds q.
#if STAGES == 1
    workgroupBarrier();
#for i in TM
#for b in HALVES
    p_tile[${i}][tx + ${TX * b}u][turned(ty, tx)] = ds${i}_${b};
#endfor
#endfor
#if PREFETCH
    stage_q(q_again, thread);
#else
    load_stage_q(q_operand, step, last, thread);
#endif
    workgroupBarrier();
#if PREFETCH
    var q_next: Fetched_q;
    if (has_next) { q_next = fetch_q(q_operand, step + ${STEP}u, last, thread); }
#endif
#endif
    for (var t = 0u; t < quads; t++) {
      let at = (tx & 7u) ^ (t & 7u);
      let at_row = turned(ty, t);
      let row = t / 8u * 4u;
#for j in 4
#for c in DEPTH / TX
      let q${j}_${c} = staged[0][tx + ${TX * c}u][row + ${j}u][at];
#endfor
#endfor
#for i in TM
      {
        let ds = ${DS}[${i}][t][at_row];
#for j in 4
#for c in DEPTH / TX
        dk${i}_${c} = fma(vec4<f32>(ds.${"xyzw"[j]}), q${j}_${c}, dk${i}_${c});
#endfor
#endfor
      }
#endfor
    }
    workgroupBarrier(); // the next step overwrites what is read here
    if (has_next) {
#if PREFETCH
      stage_q(q_next, thread);
#if STAGES == 2
      stage_grad(grad_next, thread);
#endif
#else
      load_stage_q(q_operand, step + ${STEP}u, last, thread);
#if STAGES == 2
      load_stage_grad(grad_operand, step + ${STEP}u, last, thread);
#endif
#endif
    }
    workgroupBarrier();
  }
#if GENERAL
  }
#endif

  // 7. The gradient of qk is that of scale q k^T, so far without its scale.
  let dk_origin = origin_of(params.dk, block);
  let dv_origin = origin_of(params.dv, block);
#for i in TM
  if (first_row + ${i}u < row_count) {
    let dk_at = dk_origin + (first_row + ${i}u) * params.dk.z + tx;
    let dv_at = dv_origin + (first_row + ${i}u) * params.dv.z + tx;
#for c in DEPTH / TX
    if (tx + ${TX * c}u < params.depth) {
      dkv[dk_at + ${TX * c}u] = narrow(params.scale * dk${i}_${c});
      dkv[dv_at + ${TX * c}u] = narrow(dv${i}_${c});
    }
#endfor
  }
#endfor
}
