// Attention backward, for GPUs: gradient of the queries.
//
// Shapes   as attention/dq.wgsl, as are layout, parameters, masks and what is written, with DELTA=1 the statistics of queries too.
// Tiling   that of attention/flash.forward.wgsl. Of a step its values are staged first, for dp = grad v^T, then its keys, for scores and for the sums.
//          512 * DEPTH + 32 * ROWS * (DEPTH + 4) bytes of workgroup memory: 28 KiB for 32 rows and a head dimension of 64, 48 for 64.
// Numerics f32; p = exp2(scale log2(e) qk - lse log2(e)); rows without keys have lse 1e30, so p = 0. With DELTA=1 the 8 invocations of a row share the sum
//          of grad * out: each adds up its quads tx + 8 c, then all add the 8 parts in one order.
// Measured docs/kernels/attention.md
// Compile: T=f32 G=f32 OUT=f32 ROWS=32 DEPTH=16 PREFIX=1 BYTES=28672 GENERAL=0 DELTA=1 BUFFERS=9 | T=f16 G=f32 OUT=f32 ROWS=32 DEPTH=8 PREFIX=0 GENERAL=0 DELTA=0 | T=f16 G=f16 OUT=f16 ROWS=32 DEPTH=8 PREFIX=0 GENERAL=1 DELTA=1 BUFFERS=10
#let PASS = "dq"
#let SLICE = 4
#let STEP = 32
#let THREADS = 2 * ROWS
#let BRANCHES = 0
#include "attention/elements.wgsl"
#include "attention/bindings.wgsl"
#include "attention/rows.wgsl"
#include "attention/masked.wgsl"
#include "attention/flash.tiles.wgsl"

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
  let ty = (thread & 1u) | ((thread / 16u) << 1u);
  let tx = thread / 2u % 8u;
#if !GENERAL
  let row_ends = min(vec4<u32>(key_end), vec4<u32>(params.prefix_len + block.first + 4u * ty + params.causal_offset) + vec4<u32>(1u, 2u, 3u, 4u));
#endif

  // 2. Rows of q and grad, and their statistics: those of attention/delta.wgsl, or formed here for the pass dkv.
  for (var i = thread; i < ${ROWS * DEPTH}u; i += ${THREADS}u) {
    let row = min(block.first + i / ${DEPTH}u, max(row_count, 1u) - 1u);
    let d = i % ${DEPTH}u;
    let quad = min(d, params.depth - 1u);
    q_tile[i / ${DEPTH}u][d ^ turn(i / ${4 * DEPTH}u)] = select(vec4<f32>(), widen(q[q_origin + row * params.q.z + quad]), d < params.depth);
    grad_tile[i / ${DEPTH}u][d ^ turn(i / ${4 * DEPTH}u)] = select(vec4<f32>(), widen_grad(grad[grad_origin + row * params.grad.z + quad]), d < params.depth);
  }
#if DELTA
  let out_origin = origin_of(params.out, block);
  let lse_origin = origin_of(params.lse, block);
  workgroupBarrier();
  {
    var part = vec4<f32>();
#for i in 4
    let out_row${i} = out_origin + min(block.first + 4u * ty + ${i}u, max(row_count, 1u) - 1u) * params.out.z;
#for c in DEPTH / 8
    // Beyond the head dimension grad_tile is 0.
    part[${i}] += dot(widen(out[out_row${i} + min(tx + ${8 * c}u, params.depth - 1u)]), grad_tile[4u * ty + ${i}u][(tx + ${8 * c}u) ^ turn(ty)]);
#endfor
#endfor
    staged[ty][tx] = part;
  }
  workgroupBarrier();
  var delta = vec4<f32>();
  for (var t = 0u; t < 8u; t++) { delta += staged[ty][t]; }
  workgroupBarrier(); // the first step overwrites what is read here
#endif
#for i in 4
  let stat_row${i} = min(block.first + 4u * ty + ${i}u, max(row_count, 1u) - 1u);
#if DELTA
  let stat${i} = vec2<f32>(lse[lse_origin + stat_row${i} * params.lse.z] * 1.4426950408889634, delta[${i}]);
  if (tx == 0u && block.first + 4u * ty + ${i}u < row_count) { stats[stats_origin + stat_row${i} * params.stats.z] = stat${i}; }
#else
  let stat${i} = stats[stats_origin + stat_row${i} * params.stats.z];
#endif
#for c in DEPTH / 8
  var dq${i}_${c} = vec4<f32>();
#endfor
#endfor
  let scale = params.scale * 1.4426950408889634;

  let last = max(key_end, 1u) - 1u;
  var k_next = fetch_k(k_operand, key_begin, last, thread);
  var v_next = fetch_v(v_operand, key_begin, last, thread);
  for (var step = key_begin; step < key_end; step += ${STEP}u) {
    // 3. dp = grad v^T and qk = q k^T.
    stage(v_next, thread);
    workgroupBarrier();
    let dp = grad_dot_staged(ty, tx);
    workgroupBarrier();
    stage(k_next, thread);
    workgroupBarrier();
    v_next = fetch_v(v_operand, step + ${STEP}u, last, thread);
    k_next = fetch_k(k_operand, step + ${STEP}u, last, thread);
    let qk = q_dot_staged(ty, tx);

    // 4. ds = p (dp - delta), 0 where masked.
    let key = vec4<u32>(step + 4u * tx) + vec4<u32>(0u, 1u, 2u, 3u);
#for i in 4
#if GENERAL
#for j in 4
    let at${i}_${j} = masked(mask_origin, min(block.first + 4u * ty + ${i}u, row_count - 1u), min(key[${j}], last));
#endfor
    let seen${i} = (key < vec4<u32>(key_end)) & vec4<bool>(at${i}_0.seen, at${i}_1.seen, at${i}_2.seen, at${i}_3.seen);
    let bias${i} = vec4<f32>(at${i}_0.bias, at${i}_1.bias, at${i}_2.bias, at${i}_3.bias);
    p_tile[4u * ty + ${i}u][tx ^ turn(ty)] = select(vec4<f32>(), exp2(qk.row${i} * scale + bias${i} - stat${i}.x) * (dp.row${i} - stat${i}.y), seen${i});
#else
    p_tile[4u * ty + ${i}u][tx ^ turn(ty)] = select(vec4<f32>(), exp2(qk.row${i} * scale - stat${i}.x) * (dp.row${i} - stat${i}.y), key < vec4<u32>(row_ends[${i}]));
#endif
#endfor
    workgroupBarrier();

    // 5. dq += ds k.
    let quads = min(${STEP / 4}u, (key_end - step + 3u) / 4u);
    for (var t = 0u; t < quads; t++) {
#for i in 4
      let ds${i} = p_tile[4u * ty + ${i}u][t ^ turn(ty)];
#endfor
#for j in 4
#for c in DEPTH / 8
      {
        let k_j = staged[4u * t + ${j}u][(tx + ${8 * c}u) ^ t];
#for i in 4
        dq${i}_${c} = fma(vec4<f32>(ds${i}.${"xyzw"[j]}), k_j, dq${i}_${c});
#endfor
      }
#endfor
#endfor
    }
    workgroupBarrier(); // the next step overwrites what is read here
  }

  // 6. The gradient of qk is that of scale q k^T, so far without its scale.
  let dq_origin = origin_of(params.dq, block);
#for i in 4
  {
    let row = block.first + 4u * ty + ${i}u;
    if (row < row_count) {
      let dq_at = dq_origin + row * params.dq.z + tx;
#for c in DEPTH / 8
      if (tx + ${8 * c}u < params.depth) { dq[dq_at + ${8 * c}u] = narrow(params.scale * dq${i}_${c}); }
#endfor
    }
  }
#endfor
}
