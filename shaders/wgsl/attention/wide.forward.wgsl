// Attention forward, for GPUs: as attention/flash.forward.wgsl, with more scores an invocation.
//
// Shapes   as attention/forward.wgsl, as are layout, parameters, masks and what is written.
// Tiling   attention/wide.tiles.wgsl. Keys of a step, then its values are staged. Maxima cross the TX invocations of a row by shuffles (SHUFFLE=1, for
//          subgroups of 32 or more), else through workgroup memory.
// Numerics f32 throughout, online softmax in base 2 over maxima no lower than the lowest float; masked keys and scores of minus infinity have no weight.
//          A row without any other gives 0 and lse = 1e30.
// Measured docs/kernels/attention.md
// Compile: T=f32 OUT=f32 ROWS=32 STEP=32 THREADS=32 TX=8 DIRECT=0 STAGES=1 SHUFFLE=0 PREFETCH=1 DEPTH=16 PREFIX=1 BYTES=22000 GENERAL=0 | T=f16 OUT=f16 ROWS=64 STEP=64 THREADS=128 TX=8 DIRECT=1 STAGES=1 SHUFFLE=0 PREFETCH=0 DEPTH=8 PREFIX=0 BYTES=27000 GENERAL=1
#let PASS = "forward"
#let G = T
#let SLICE = 4
#let BRANCHES = 0
#let DELTA = 0
#if SHUFFLE
enable subgroups;
#endif
#include "attention/elements.wgsl"
#include "attention/bindings.wgsl"
#include "attention/rows.wgsl"
#include "attention/masked.wgsl"
#include "attention/wide.tiles.wgsl"

const LOWEST = vec4<f32>(-3.4028234e38);

#if !SHUFFLE
// Of every invocation, its rows: maxima, in the end sums.
var<workgroup> row_parts: array<array<array<vec4<f32>, ${TX}>, ${GROUPS}>, ${TY}>;
#endif

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
  let kv_block = kv_block_of(block);
  let k_operand = operand_of(params.k, params.prefix_k, kv_block);
  let v_operand = operand_of(params.v, params.prefix_v, kv_block);
  let ty = (thread & 1u) | ((thread / ${2 * TX}u) << 1u);
  let tx = thread / 2u % ${TX}u;
  let first_row = block.first + ${TM}u * ty;
#if WARPS > 1
  // The rows of 32 invocations, which skip products of rows or keys that there are not.
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

  // 2. Query rows, scaled, and the state of the online softmax: an invocation's part of the sums l, its quads of acc.
  let q_rows = Rows(
#for i in TM
    q_origin + min(first_row + ${i}u, max(row_count, 1u) - 1u) * params.q.z,
#endfor
  );
#if !DIRECT
  for (var i = thread; i < ${ROWS * DEPTH}u; i += ${THREADS}u) {
    let r = i / ${DEPTH}u;
    let row = q_origin + min(block.first + r, max(row_count, 1u) - 1u) * params.q.z;
    let d = i % ${DEPTH}u;
    q_tile[d][r % ${TM}u][turned(r / ${TM}u, d)] = select(vec4<f32>(), params.scale * widen(q[row + min(d, params.depth - 1u)]), d < params.depth);
  }
#endif
#let SCALE = DIRECT ? "params.scale * " : ""
#for g in GROUPS
  var m${g} = LOWEST;
  var l${g} = vec4<f32>();
#endfor
#for i in TM
#for c in DEPTH / TX
  var acc${i}_${c} = vec4<f32>();
#endfor
#endfor

  let last = max(key_end, 1u) - 1u;
  load_stage_k(k_operand, key_begin, last, thread);
  workgroupBarrier();
  for (var step = key_begin; step < key_end; step += ${STEP}u) {
    // 3. qk = scale q k^T, masked, and the maximum of each row.
#if PREFETCH
    let v_next = fetch_v(v_operand, step, last, thread);
#endif
    let is_active = step < warp_end;
    var qk: Scores;
    if (is_active) { qk = q_dot_staged(q_rows, ty, tx, key_end - step <= ${4 * TX}u); }
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
    let qk${i}_${b} = select(LOWEST, ${SCALE}qk.row${i}_${b} + vec4<f32>(at${i}_${b}_0.bias, at${i}_${b}_1.bias, at${i}_${b}_2.bias, at${i}_${b}_3.bias), seen${i}_${b});
#else
    let seen${i}_${b} = key${b} < vec4<u32>(row_ends${i / 4}[${i % 4}]);
    let qk${i}_${b} = select(LOWEST, ${SCALE}qk.row${i}_${b}, seen${i}_${b});
#endif
#endfor
#if HALVES == 2
    let most${i} = max(qk${i}_0, qk${i}_1);
#else
    let most${i} = qk${i}_0;
#endif
    let max${i} = max(max(most${i}.x, most${i}.y), max(most${i}.z, most${i}.w));
#endfor
#for g in GROUPS
    var next${g} = max(m${g}, vec4<f32>(max${4 * g}, max${4 * g + 1}, max${4 * g + 2}, max${4 * g + 3}));
#if !SHUFFLE
    row_parts[ty][${g}][tx] = next${g};
#endif
#endfor
#if SHUFFLE
#for g in GROUPS
    next${g} = max(next${g}, subgroupShuffleXor(next${g}, 2u));
    next${g} = max(next${g}, subgroupShuffleXor(next${g}, 4u));
    next${g} = max(next${g}, subgroupShuffleXor(next${g}, 8u));
#if TX == 16
    next${g} = max(next${g}, subgroupShuffleXor(next${g}, 16u));
#endif
#endfor
#endif
#if !SHUFFLE || STAGES == 1
    workgroupBarrier();
#endif
#if !SHUFFLE
#for g in GROUPS
    for (var t = 0u; t < ${TX}u; t++) { next${g} = max(next${g}, row_parts[ty][${g}][t]); }
#endfor
#endif

    // 4. Online softmax: p = exp2(qk - m), what was summed so far shrinks by alpha.
#for g in GROUPS
    let alpha${g} = exp2(m${g} - next${g});
    m${g} = next${g};
    l${g} *= alpha${g};
#endfor
#for i in TM
#for b in HALVES
    {
      let p = select(vec4<f32>(), exp2(qk${i}_${b} - m${i / 4}[${i % 4}]), seen${i}_${b});
      l${i / 4}[${i % 4}] += (p.x + p.y) + (p.z + p.w);
      p_tile[${i}][tx + ${TX * b}u][turned(ty, tx)] = p;
    }
#endfor
#for c in DEPTH / TX
    acc${i}_${c} *= alpha${i / 4}[${i % 4}];
#endfor
#endfor

    // 5. acc += p v.
#if PREFETCH
    stage_v(v_next, thread);
#else
    load_stage_v(v_operand, step, last, thread);
#endif
    workgroupBarrier();
    let has_next = step + ${STEP}u < key_end;
#if PREFETCH
    var k_next: Fetched_k;
    if (has_next) { k_next = fetch_k(k_operand, step + ${STEP}u, last, thread); }
#endif
    if (is_active) {
      let quads = min(${STEP / 4}u, (warp_end - step + 3u) / 4u);
      for (var t = 0u; t < quads; t++) {
        let at = (tx & 7u) ^ (t & 7u);
        let at_row = turned(ty, t);
        let row = t / 8u * 4u;
#for j in 4
#for c in DEPTH / TX
        let v${j}_${c} = staged[${STAGES - 1}][tx + ${TX * c}u][row + ${j}u][at];
#endfor
#endfor
#for i in TM
        {
          let p = p_tile[${i}][t][at_row];
#for j in 4
#for c in DEPTH / TX
          acc${i}_${c} = fma(vec4<f32>(p.${"xyzw"[j]}), v${j}_${c}, acc${i}_${c});
#endfor
#endfor
        }
#endfor
      }
    }
#if STAGES == 1
    workgroupBarrier(); // the next step overwrites what is read here
#endif
#if PREFETCH
    if (has_next) { stage_k(k_next, thread); }
#else
    if (has_next) { load_stage_k(k_operand, step + ${STEP}u, last, thread); }
#endif
    workgroupBarrier();
  }

  // 6. The sum of each row over its 8 invocations; out = acc / l, and lse.
#for g in GROUPS
#if SHUFFLE
  var total${g} = l${g} + subgroupShuffleXor(l${g}, 2u);
  total${g} += subgroupShuffleXor(total${g}, 4u);
  total${g} += subgroupShuffleXor(total${g}, 8u);
#if TX == 16
  total${g} += subgroupShuffleXor(total${g}, 16u);
#endif
#else
  row_parts[ty][${g}][tx] = l${g};
  var total${g} = vec4<f32>();
#endif
#endfor
#if !SHUFFLE
  workgroupBarrier();
#for g in GROUPS
  for (var t = 0u; t < ${TX}u; t++) { total${g} += row_parts[ty][${g}][t]; }
#endfor
#endif
  let out_origin = origin_of(params.out, block);
  let lse_origin = origin_of(params.lse, block);
#for i in TM
  {
    let row = first_row + ${i}u;
    let total = total${i / 4}[${i % 4}];
    if (row < row_count) {
      let inverse = select(1.0 / total, 0.0, total == 0.0);
      let out_at = out_origin + row * params.out.z + tx;
#for c in DEPTH / TX
      if (tx + ${TX * c}u < params.depth) { out[out_at + ${TX * c}u] = narrow(inverse * acc${i}_${c}); }
#endfor
      if (tx == 0u) {
        lse[lse_origin + row * params.lse.z] = select((m${i / 4}[${i % 4}] + log2(total)) * 0.6931471805599453, 1e30, total == 0.0);
      }
    }
  }
#endfor
}
