// Attention backward, for GPUs: gradients of keys and values.
//
// Shapes   as attention/dkv.wgsl, as are layout, parameters, masks and what is written, the shared prefix in chunks of queries included.
// Tiling   that of attention/flash.forward.wgsl with the roles exchanged: one workgroup owns ROWS keys of one head and takes 32 queries a step. Queries
//          are staged for scores, output gradients for dp and for the sums of dv, queries again for those of dk.
//          512 * DEPTH + 32 * ROWS * (DEPTH + 4) bytes of workgroup memory: 28 KiB for 32 rows and a head dimension of 64, 48 for 64.
// Numerics f32; p = exp2(scale log2(e) qk - lse log2(e)).
// Measured docs/kernels/attention.md
// Compile: T=f32 G=f32 OUT=f32 ROWS=32 DEPTH=16 BYTES=28672 GENERAL=0 | T=f16 G=f32 OUT=f32 ROWS=32 DEPTH=8 GENERAL=0 | T=f16 G=f16 OUT=f32 ROWS=32 DEPTH=8 GENERAL=1
#let PASS = "dkv"
#let PREFIX = 0
#let SLICE = 4
#let STEP = 32
#let THREADS = 2 * ROWS
#let BRANCHES = 0
#let DELTA = 0
#include "attention/elements.wgsl"
#include "attention/bindings.wgsl"
#include "attention/rows.wgsl"
#include "attention/masked.wgsl"
#include "attention/flash.tiles.wgsl"

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
  let ty = (thread & 1u) | ((thread / 16u) << 1u);
  let tx = thread / 2u % 8u;

  // 2. Rows of k and v.
  for (var i = thread; i < ${ROWS * DEPTH}u; i += ${THREADS}u) {
    let row = min(block.first + i / ${DEPTH}u, max(row_count, 1u) - 1u);
    let d = i % ${DEPTH}u;
    let quad = min(d, params.depth - 1u);
    k_tile[i / ${DEPTH}u][d ^ turn(i / ${4 * DEPTH}u)] = select(vec4<f32>(), widen(k[k_origin + row * params.k.z + quad]), d < params.depth);
    v_tile[i / ${DEPTH}u][d ^ turn(i / ${4 * DEPTH}u)] = select(vec4<f32>(), widen(v[v_origin + row * params.v.z + quad]), d < params.depth);
  }
#for i in 4
#for c in DEPTH / 8
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
  var q_next = fetch_q(q_operand, query_begin, last, thread);
  var grad_next = fetch_grad(grad_operand, query_begin, last, thread);
  for (var step = query_begin; step < query_end; step += ${STEP}u) {
    // 3. qk = q k^T and dp = grad v^T, transposed: rows are keys.
    stage(q_next, thread);
    workgroupBarrier();
    let qk = k_dot_staged(ty, tx);
    workgroupBarrier();
    stage_grad(grad_next, thread);
    workgroupBarrier();
    let dp = v_dot_staged(ty, tx);

    // 4. p, 0 where masked.
    let query = vec4<u32>(step + 4u * tx) + vec4<u32>(0u, 1u, 2u, 3u);
#for j in 4
    let stat${j} = stats[stats_origin + min(query[${j}], last) * params.stats.z];
#endfor
    let lse = vec4<f32>(stat0.x, stat1.x, stat2.x, stat3.x);
    let delta = vec4<f32>(stat0.y, stat1.y, stat2.y, stat3.y);
#for i in 4
#if GENERAL
#for j in 4
    let at${i}_${j} = masked(mask_origin, min(query[${j}], last), min(block.first + 4u * ty + ${i}u, row_count - 1u));
#endfor
    let seen${i} = (query < vec4<u32>(query_end)) & vec4<bool>(at${i}_0.seen, at${i}_1.seen, at${i}_2.seen, at${i}_3.seen);
    let bias${i} = vec4<f32>(at${i}_0.bias, at${i}_1.bias, at${i}_2.bias, at${i}_3.bias);
    let p${i} = select(vec4<f32>(), exp2(qk.row${i} * scale + bias${i} - lse), seen${i});
#else
    let seen${i} = (query < vec4<u32>(query_end)) & (query + vec4<u32>(params.causal_offset) >= vec4<u32>(block.first + 4u * ty + ${i}u));
    let p${i} = select(vec4<f32>(), exp2(qk.row${i} * scale - lse), seen${i});
#endif
    p_tile[4u * ty + ${i}u][tx ^ turn(ty)] = p${i};
#endfor
    workgroupBarrier();

    // 5. dv += p grad.
    let quads = min(${STEP / 4}u, (query_end - step + 3u) / 4u);
    for (var t = 0u; t < quads; t++) {
#for i in 4
      let p_t${i} = p_tile[4u * ty + ${i}u][t ^ turn(ty)];
#endfor
#for j in 4
#for c in DEPTH / 8
      {
        let grad_j = staged[4u * t + ${j}u][(tx + ${8 * c}u) ^ t];
#for i in 4
        dv${i}_${c} = fma(vec4<f32>(p_t${i}.${"xyzw"[j]}), grad_j, dv${i}_${c});
#endfor
      }
#endfor
#endfor
    }
    workgroupBarrier();

    // 6. ds = p (dp - delta), and dk += ds q.
    stage(q_next, thread);
#for i in 4
    p_tile[4u * ty + ${i}u][tx ^ turn(ty)] = select(vec4<f32>(), p${i} * (dp.row${i} - delta), seen${i});
#endfor
    workgroupBarrier();
    q_next = fetch_q(q_operand, step + ${STEP}u, last, thread);
    grad_next = fetch_grad(grad_operand, step + ${STEP}u, last, thread);
    for (var t = 0u; t < quads; t++) {
#for i in 4
      let ds_t${i} = p_tile[4u * ty + ${i}u][t ^ turn(ty)];
#endfor
#for j in 4
#for c in DEPTH / 8
      {
        let q_j = staged[4u * t + ${j}u][(tx + ${8 * c}u) ^ t];
#for i in 4
        dk${i}_${c} = fma(vec4<f32>(ds_t${i}.${"xyzw"[j]}), q_j, dk${i}_${c});
#endfor
      }
#endfor
#endfor
    }
    workgroupBarrier(); // the next step overwrites what is read here
  }
#if GENERAL
  }
#endif

  // 7. The gradient of qk is that of scale q k^T, so far without its scale.
  let dk_origin = origin_of(params.dk, block);
  let dv_origin = origin_of(params.dv, block);
#for i in 4
  {
    let row = block.first + 4u * ty + ${i}u;
    if (row < row_count) {
      let dk_at = dk_origin + row * params.dk.z + tx;
      let dv_at = dv_origin + row * params.dv.z + tx;
#for c in DEPTH / 8
      if (tx + ${8 * c}u < params.depth) {
        dkv[dk_at + ${8 * c}u] = narrow(params.scale * dk${i}_${c});
        dkv[dv_at + ${8 * c}u] = narrow(dv${i}_${c});
      }
#endfor
    }
  }
#endfor
}
