// Attention forward, for GPUs: as attention/flash.forward.wgsl, with twice as many keys a step and scores an invocation.
//
// Shapes   as attention/forward.wgsl, as are layout, parameters, masks and what is written.
// Tiling   one workgroup of 128 invocations owns ROWS = 64 query rows of one head and takes 64 keys a step. An invocation (ty, tx) holds scores of rows
//          4 ty .. + 3 with keys 4 tx .. + 3 and 32 + 4 tx .. + 3, then sums of those rows in quads tx + 8 c of the head dimension. Keys of a step, then
//          its values are staged; what is staged next is fetched into registers while the products of now are formed. 2048 * DEPTH + 16384 bytes of
//          workgroup memory: 48 KiB for a head dimension of 64.
//          Neighbours differ in ty (bit 0), as in Scott Gray's SGEMM and in CUTLASS: NVIDIA reads 128 bits for two quarters of a warp at once where
//          lanes i and i ^ 1 share an address. They read different vec4 of one line, or the same one; the last index is exclusive-ored so that this
//          holds for writes too. All 32 of a warp skip products of rows, and of keys, that there are not.
//          Maxima cross the 8 invocations of a row by shuffles (SHUFFLE=1, for subgroups of 32 or more), else through p_tile.
// Numerics f32 throughout, online softmax in base 2 over maxima no lower than the lowest float; masked keys and scores of minus infinity have no weight.
//          A row without any other gives 0 and lse = 1e30.
// Measured docs/kernels/attention.md
// Compile: T=f32 OUT=f32 ROWS=64 SHUFFLE=0 DEPTH=8 PREFIX=1 BYTES=32768 GENERAL=0 | T=f16 OUT=f16 ROWS=64 SHUFFLE=0 DEPTH=8 PREFIX=0 BYTES=32768 GENERAL=1 | SG=on T=f32 OUT=f32 ROWS=64 SHUFFLE=1 DEPTH=8 PREFIX=0 BYTES=32768 GENERAL=0 | SG=on T=f32 OUT=f32 ROWS=64 SHUFFLE=1 DEPTH=16 PREFIX=0 BYTES=49152 GENERAL=0
#let PASS = "forward"
#let G = T
#let SLICE = 4
#let STEP = 64
#let THREADS = 2 * ROWS
#let BRANCHES = 0
#let DELTA = 0
#if SHUFFLE
enable subgroups;
#endif
#include "attention/elements.wgsl"
#include "attention/bindings.wgsl"
#include "attention/rows.wgsl"
#include "attention/masked.wgsl"
#include "attention/fetch.wgsl"

const LOWEST = vec4<f32>(-3.4028234e38);

// Rows 4 ty + i of q, scaled: [quad d][i][ty, turned by d].
var<workgroup> q_tile: array<array<array<vec4<f32>, ${ROWS / 4}>, 4>, ${DEPTH}>;
// Keys or values of a step: [quad d][4 (key / 32) + key % 4][key % 32 / 4, turned by d].
var<workgroup> staged: array<array<array<vec4<f32>, 8>, ${STEP / 8}>, ${DEPTH}>;
// p of rows 4 ty + i: [i][quad of keys][ty, turned by the quad]. With SHUFFLE=0 also of every invocation its rows' maxima, in the end sums.
var<workgroup> p_tile: array<array<array<vec4<f32>, ${ROWS / 4}>, ${STEP / 4}>, 4>;

fn turned(ty: u32, by: u32) -> u32 {
  return ty ^ ((2u * by) & 7u);
}

// Quads beyond the head dimension become 0.
fn stage(fetched: Fetched, thread: u32) {
#for f in FETCHES
  {
    let row = (thread + ${f * THREADS}u) / ${DEPTH}u;
    let d = (thread + ${f * THREADS}u) % ${DEPTH}u;
    staged[d][row / 32u * 4u + row % 4u][(row % 32u / 4u) ^ (d & 7u)] = select(vec4<f32>(), widen(fetched[${f}]), d < params.depth);
  }
#endfor
}

// 4 rows of the block by 4 (b = 0) and 4 (b = 1) staged keys.
struct Scores {
#for i in 4
  row${i}_0: vec4<f32>,
  row${i}_1: vec4<f32>,
#endfor
}

// Products of the block's rows with the staged keys over the head dimension: of the first 32 keys only, where `few`.
fn q_dot_staged(ty: u32, tx: u32, few: bool) -> Scores {
#for i in 4
  var row${i}_0 = vec4<f32>();
  var row${i}_1 = vec4<f32>();
#endfor
#for way in 2
#let COUNT = 2 - way
#if way == 0
  if (!few) {
#else
  } else {
#endif
    for (var d = 0u; d < ${DEPTH}u; d++) {
      let at = (tx ^ d) & 7u;
      let at_row = turned(ty, d);
#for j in 4 * COUNT
      let y${j} = staged[d][${j}][at];
#endfor
#for i in 4
      {
        let x = q_tile[d][${i}][at_row];
#for e in 4
#for b in COUNT
        row${i}_${b} = fma(vec4<f32>(x.${"xyzw"[e]}), vec4<f32>(y${4 * b}.${"xyzw"[e]}, y${4 * b + 1}.${"xyzw"[e]}, y${4 * b + 2}.${"xyzw"[e]}, y${4 * b + 3}.${"xyzw"[e]}), row${i}_${b});
#endfor
#endfor
      }
#endfor
    }
#endfor
  }
  return Scores(row0_0, row0_1, row1_0, row1_1, row2_0, row2_1, row3_0, row3_1);
}

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
  let first_row = block.first + 4u * ty;
  // The keys that the 16 rows of a warp attend to.
  let warp_row = block.first + thread / 32u * 16u;
#if GENERAL
  let warp_end = select(0u, key_end, warp_row < row_count);
#else
  let warp_end = select(0u, min(key_end, params.prefix_len + warp_row + 16u + params.causal_offset), warp_row < row_count);
  let row_ends = min(vec4<u32>(key_end), vec4<u32>(params.prefix_len + first_row + params.causal_offset) + vec4<u32>(1u, 2u, 3u, 4u));
#endif

  // 2. Query rows, scaled, and the state of the online softmax: an invocation's part of the sums l, its quads of acc.
  for (var i = thread; i < ${ROWS * DEPTH}u; i += ${THREADS}u) {
    let r = i / ${DEPTH}u;
    let row = q_origin + min(block.first + r, max(row_count, 1u) - 1u) * params.q.z;
    let d = i % ${DEPTH}u;
    q_tile[d][r % 4u][turned(r / 4u, d)] = select(vec4<f32>(), params.scale * widen(q[row + min(d, params.depth - 1u)]), d < params.depth);
  }
  var m = LOWEST;
  var l = vec4<f32>();
#for i in 4
#for c in DEPTH / 8
  var acc${i}_${c} = vec4<f32>();
#endfor
#endfor

  let last = max(key_end, 1u) - 1u;
  stage(fetch_k(k_operand, key_begin, last, thread), thread);
  workgroupBarrier();
  for (var step = key_begin; step < key_end; step += ${STEP}u) {
    // 3. qk = scale q k^T, masked, and the maximum of each row.
    let v_next = fetch_v(v_operand, step, last, thread);
    let is_active = step < warp_end;
    var qk: Scores;
    if (is_active) { qk = q_dot_staged(ty, tx, key_end - step <= 32u); }
#for b in 2
    let key${b} = vec4<u32>(step + ${32 * b}u + 4u * tx) + vec4<u32>(0u, 1u, 2u, 3u);
#endfor
#for i in 4
#for b in 2
#if GENERAL
#for j in 4
    let at${i}_${b}_${j} = masked(mask_origin, min(first_row + ${i}u, row_count - 1u), min(key${b}[${j}], last));
#endfor
    let seen${i}_${b} = (key${b} < vec4<u32>(key_end)) & vec4<bool>(at${i}_${b}_0.seen, at${i}_${b}_1.seen, at${i}_${b}_2.seen, at${i}_${b}_3.seen);
    let bias${i}_${b} = vec4<f32>(at${i}_${b}_0.bias, at${i}_${b}_1.bias, at${i}_${b}_2.bias, at${i}_${b}_3.bias);
    let qk${i}_${b} = select(LOWEST, qk.row${i}_${b} + bias${i}_${b}, seen${i}_${b});
#else
    let seen${i}_${b} = key${b} < vec4<u32>(row_ends[${i}]);
    let qk${i}_${b} = select(LOWEST, qk.row${i}_${b}, seen${i}_${b});
#endif
#endfor
    let most${i} = max(qk${i}_0, qk${i}_1);
    let max${i} = max(max(most${i}.x, most${i}.y), max(most${i}.z, most${i}.w));
#endfor
    var m_next = max(m, vec4<f32>(max0, max1, max2, max3));
#if SHUFFLE
    m_next = max(m_next, subgroupShuffleXor(m_next, 2u));
    m_next = max(m_next, subgroupShuffleXor(m_next, 4u));
    m_next = max(m_next, subgroupShuffleXor(m_next, 8u));
    workgroupBarrier(); // values take the place of keys
#else
    p_tile[0][tx][ty] = m_next;
    workgroupBarrier(); // values take the place of keys, too
    for (var t = 0u; t < 8u; t++) { m_next = max(m_next, p_tile[0][t][ty]); }
    workgroupBarrier(); // p takes the place of maxima
#endif

    // 4. Online softmax: p = exp2(qk - m), what was summed so far shrinks by alpha.
    let alpha = exp2(m - m_next);
    m = m_next;
    l *= alpha;
#for i in 4
#for b in 2
    {
      let p = select(vec4<f32>(), exp2(qk${i}_${b} - m[${i}]), seen${i}_${b});
      l[${i}] += (p.x + p.y) + (p.z + p.w);
      p_tile[${i}][tx + ${8 * b}u][turned(ty, tx)] = p;
    }
#endfor
#for c in DEPTH / 8
    acc${i}_${c} *= alpha[${i}];
#endfor
#endfor

    // 5. acc += p v.
    stage(v_next, thread);
    workgroupBarrier();
    let has_next = step + ${STEP}u < key_end;
    var k_next: Fetched;
    if (has_next) { k_next = fetch_k(k_operand, step + ${STEP}u, last, thread); }
    if (is_active) {
      let quads = min(${STEP / 4}u, (warp_end - step + 3u) / 4u);
      for (var t = 0u; t < quads; t++) {
        let at = tx ^ (t & 7u);
        let at_row = turned(ty, t);
        let row = t / 8u * 4u;
#for j in 4
#for c in DEPTH / 8
        let v${j}_${c} = staged[tx + ${8 * c}u][row + ${j}u][at];
#endfor
#endfor
#for i in 4
        {
          let p = p_tile[${i}][t][at_row];
#for j in 4
#for c in DEPTH / 8
          acc${i}_${c} = fma(vec4<f32>(p.${"xyzw"[j]}), v${j}_${c}, acc${i}_${c});
#endfor
#endfor
        }
#endfor
      }
    }
    workgroupBarrier(); // the next step overwrites what is read here
    if (has_next) { stage(k_next, thread); }
    workgroupBarrier();
  }

  // 6. The sum of each row over its 8 invocations; out = acc / l, and lse.
#if SHUFFLE
  var total = l + subgroupShuffleXor(l, 2u);
  total += subgroupShuffleXor(total, 4u);
  total += subgroupShuffleXor(total, 8u);
#else
  p_tile[0][tx][ty] = l;
  workgroupBarrier();
  var total = vec4<f32>();
  for (var t = 0u; t < 8u; t++) { total += p_tile[0][t][ty]; }
#endif
  let out_origin = origin_of(params.out, block);
  let lse_origin = origin_of(params.lse, block);
#for i in 4
  {
    let row = first_row + ${i}u;
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
