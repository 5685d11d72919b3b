// Attention forward, for GPUs: keys and values staged in workgroup memory for many query rows.
//
// Shapes   as attention/forward.wgsl, as are layout, parameters, masks and what is written.
// Tiling   one workgroup of 2 * ROWS invocations owns ROWS query rows of one head and takes 32 keys a step. An invocation (ty, tx) holds scores of
//          rows 4 ty .. + 3 with keys 4 tx .. + 3, then sums of those rows in quads tx + 8 c of the head dimension. Keys of a step, then its values
//          are staged; while one is in use the next are fetched into registers. Maxima cross the 8 invocations of a row through workgroup memory,
//          so no subgroups are needed. 512 * DEPTH + 16 * ROWS * (DEPTH + 10) bytes of it: 21 KiB for 32 rows and a head dimension of 64, 34 for 64.
// Numerics f32 throughout, online softmax in base 2 over maxima no lower than the lowest float; masked keys and scores of minus infinity have no weight.
//          A row without any other gives 0 and lse = 1e30.
// Measured docs/kernels/attention.md
// Compile: T=f32 OUT=f32 ROWS=32 DEPTH=16 PREFIX=1 BYTES=21504 GENERAL=0 | T=f16 OUT=f16 ROWS=64 DEPTH=8 PREFIX=0 GENERAL=0 | T=f16 OUT=f16 ROWS=64 DEPTH=8 PREFIX=0 GENERAL=1
#let PASS = "forward"
#let G = T
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

const LOWEST = vec4<f32>(-3.4028234e38);

// Of every invocation, its four rows: maxima, in the end sums.
var<workgroup> row_parts: array<array<vec4<f32>, 8>, ${ROWS / 4}>;

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
  let ty = (thread & 1u) | ((thread / 16u) << 1u);
  let tx = thread / 2u % 8u;
#if !GENERAL
  let row_ends = min(vec4<u32>(key_end), vec4<u32>(params.prefix_len + block.first + 4u * ty + params.causal_offset) + vec4<u32>(1u, 2u, 3u, 4u));
#endif

  // 2. Query rows, scaled, and the state of the online softmax: an invocation's part of the sums l, its quads of acc.
  for (var i = thread; i < ${ROWS * DEPTH}u; i += ${THREADS}u) {
    let row = q_origin + min(block.first + i / ${DEPTH}u, max(row_count, 1u) - 1u) * params.q.z;
    let d = i % ${DEPTH}u;
    q_tile[i / ${DEPTH}u][d ^ turn(i / ${4 * DEPTH}u)] = select(vec4<f32>(), params.scale * widen(q[row + min(d, params.depth - 1u)]), d < params.depth);
  }
  var m = LOWEST;
  var l = vec4<f32>();
#for i in 4
#for c in DEPTH / 8
  var acc${i}_${c} = vec4<f32>();
#endfor
#endfor

  let last = max(key_end, 1u) - 1u;
  var k_next = fetch_k(k_operand, key_begin, last, thread);
  var v_next = fetch_v(v_operand, key_begin, last, thread);
  for (var step = key_begin; step < key_end; step += ${STEP}u) {
    // 3. qk = scale q k^T, masked, and the maximum of each row.
    stage(k_next, thread);
    workgroupBarrier();
    let qk = q_dot_staged(ty, tx);
    let key = vec4<u32>(step + 4u * tx) + vec4<u32>(0u, 1u, 2u, 3u);
#for i in 4
#if GENERAL
#for j in 4
    let at${i}_${j} = masked(mask_origin, min(block.first + 4u * ty + ${i}u, row_count - 1u), min(key[${j}], last));
#endfor
    let seen${i} = (key < vec4<u32>(key_end)) & vec4<bool>(at${i}_0.seen, at${i}_1.seen, at${i}_2.seen, at${i}_3.seen);
    let bias${i} = vec4<f32>(at${i}_0.bias, at${i}_1.bias, at${i}_2.bias, at${i}_3.bias);
    let qk${i} = select(LOWEST, qk.row${i} + bias${i}, seen${i});
#else
    let seen${i} = key < vec4<u32>(row_ends[${i}]);
    let qk${i} = select(LOWEST, qk.row${i}, seen${i});
#endif
    let max${i} = max(max(qk${i}.x, qk${i}.y), max(qk${i}.z, qk${i}.w));
#endfor
    row_parts[ty][tx] = vec4<f32>(max0, max1, max2, max3);
    workgroupBarrier();
    k_next = fetch_k(k_operand, step + ${STEP}u, last, thread);

    // 4. Online softmax: p = exp2(qk - m), what was summed so far shrinks by alpha.
    var m_next = m;
    for (var t = 0u; t < 8u; t++) { m_next = max(m_next, row_parts[ty][t]); }
    let alpha = exp2(m - m_next);
    m = m_next;
    l *= alpha;
#for i in 4
    {
      let p = select(vec4<f32>(), exp2(qk${i} - m[${i}]), seen${i});
      l[${i}] += (p.x + p.y) + (p.z + p.w);
      p_tile[4u * ty + ${i}u][tx ^ turn(ty)] = p;
#for c in DEPTH / 8
      acc${i}_${c} *= alpha[${i}];
#endfor
    }
#endfor

    // 5. acc += p v.
    stage(v_next, thread);
    workgroupBarrier();
    v_next = fetch_v(v_operand, step + ${STEP}u, last, thread);
    let quads = min(${STEP / 4}u, (key_end - step + 3u) / 4u);
    for (var t = 0u; t < quads; t++) {
#for i in 4
      let p${i} = p_tile[4u * ty + ${i}u][t ^ turn(ty)];
#endfor
#for j in 4
#for c in DEPTH / 8
      {
        let v_j = staged[4u * t + ${j}u][(tx + ${8 * c}u) ^ t];
#for i in 4
        acc${i}_${c} = fma(vec4<f32>(p${i}.${"xyzw"[j]}), v_j, acc${i}_${c});
#endfor
      }
#endfor
#endfor
    }
    workgroupBarrier(); // the next step overwrites what is read here
  }

  // 6. The sum of each row over its 8 invocations; out = acc / l, and lse.
  row_parts[ty][tx] = l;
  workgroupBarrier();
  var total = vec4<f32>();
  for (var t = 0u; t < 8u; t++) { total += row_parts[ty][t]; }
  let out_origin = origin_of(params.out, block);
  let lse_origin = origin_of(params.lse, block);
#for i in 4
  {
    let row = block.first + 4u * ty + ${i}u;
    if (row < row_count) {
      let inverse = select(1.0 / total[${i}], 0.0, total[${i}] == 0.0);
      let out_at = out_origin + row * params.out.z + tx;
#for c in DEPTH / 8
      if (tx + ${8 * c}u < params.depth) { out[out_at + ${8 * c}u] = narrow(inverse * acc${i}_${c}); }
#endfor
      if (tx == 0u) {
        lse[lse_origin + row * params.lse.z] = select((m[${i}] + log2(total[${i}])) * 0.6931471805599453, 1e30, total[${i}] == 0.0);
      }
    }
  }
#endfor
}
