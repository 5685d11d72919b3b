// Attention backward, subgroup form: gradients of keys and values.
//
// Shapes   as attention/forward.wgsl; grad (of the output) like q; stats [B, Tq, H, 2] of attention/delta.wgsl; dk like k, dv like v.
//          Shared prefix: k and v are the prefix, batches are chunks of `queries` rows out of `rows` in all (its gradient sums over every
//          query of every sequence); each chunk writes an f32 partial, and attention/reduce.wgsl adds them in order. A prefix in one projection with
//          the sequences may take some more workgroups of their dispatch instead (SHARED=1, params.shared_...), with CHUNKED=1 as many for each of its chunks.
// Layout   dk and dv are two layouts in one buffer: WebGPU forbids binding one buffer for writing twice, and they may be views of one
//          fused gradient.
// Tiling   one subgroup owns ROWS keys of one head. Per step it takes LANES * KEYS queries (KEYS of each lane): lanes hold queries while scores
//          and dp form, then lanes hold slices of the head dimension while p is broadcast onto rows of grad and ds onto rows of q. No atomics:
//          sums have one order.
// Numerics f32; p = exp2(scale log2(e) qk - lse log2(e)).
// Variants TILE=0 broadcasts within the subgroup. TILE=1 needs none: 32 invocations exchange through workgroup memory (16 KiB at most).
// Measured docs/kernels/attention.md
// Compile: SG=on T=f32 G=f32 OUT=f32 ROWS=8 KEYS=2 SLICE=4 COLUMNS=2 TILE=0 GENERAL=0 SHARED=1 CHUNKED=0 | SG=on T=f16 G=f32 OUT=f32 ROWS=8 KEYS=1 SLICE=2 COLUMNS=1 TILE=0 GENERAL=0 SHARED=1 CHUNKED=0 | T=f32 G=f32 OUT=f32 ROWS=8 KEYS=2 SLICE=2 COLUMNS=1 TILE=1 DEPTH=16 GENERAL=0 SHARED=1 CHUNKED=0 | T=f32 G=f32 OUT=f32 ROWS=8 KEYS=2 SLICE=2 COLUMNS=1 TILE=1 DEPTH=16 GENERAL=1 SHARED=0 CHUNKED=0 | T=f32 G=f32 OUT=f16 ROWS=8 KEYS=2 SLICE=2 COLUMNS=1 TILE=1 DEPTH=16 GENERAL=0 SHARED=1 CHUNKED=1
#if !TILE
enable subgroups;
#endif
#let PASS = "dkv"
#let PREFIX = 0
#let LANES = TILE ? 32 : SG
#let BRANCHES = !TILE && SG >= 8
#let DELTA = 0
#include "attention/elements.wgsl"
#include "attention/bindings.wgsl"
#include "attention/rows.wgsl"
#include "attention/masked.wgsl"
#include "attention/subgroup.wgsl"

#let STEP = LANES * KEYS
// Registers in which a lane holds its rows of k and v.
#let K_REGISTERS = (ROWS + LANES - 1) / LANES

#if TILE
var<workgroup> k_tile: array<vec4<f32>, ${ROWS * DEPTH}>;
var<workgroup> v_tile: array<vec4<f32>, ${ROWS * DEPTH}>;
var<workgroup> ds_tile: array<f32, ${ROWS * KEYS * LANES}>;
var<workgroup> p_tile: array<f32, ${ROWS * KEYS * LANES}>;
#endif

#if CHUNKED
// Of the shared prefix: f32 [chunks, 2, P, H, D], which attention/reduce.wgsl adds up.
@group(0) @binding(10) var<storage, read_write> partials: array<vec${SLICE}<f32>>;
#endif

#if SHARED
// A layout that begins at `offset` for the keys of a shared prefix.
fn placed(tensor_layout: vec4<u32>, offset: u32, is_shared: bool) -> vec4<u32> {
  return vec4<u32>(select(tensor_layout.x, offset, is_shared), tensor_layout.yzw);
}
#endif

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  // 1. The block of keys, the queries that attend to it, and the slices of the head dimension that this lane sums. For a
  // causal key the queries are those from its row on.
  let whole = block_of(group, groups);
#if !SHARED
  let block = whole;
  let causal_offset = params.causal_offset;
  let row_count = select(params.keys, block.length, block.packed);
  let query_count = select(min(params.queries, params.rows - block.batch * params.queries), block.length, block.packed);
#else
  let number = select(group.z, group.x + group.z * groups.x, whole.packed);
  let is_shared = number >= params.shared_begin;
#if CHUNKED
  let shared_block = number - params.shared_begin;
  let chunk = select(shared_block, shared_block / params.shared_blocks, whole.packed);
  let shared_first = select(group.x, shared_block % params.shared_blocks, whole.packed) * ${ROWS}u;
#else
  let shared_first = select(group.x, number - params.shared_begin, whole.packed) * ${ROWS}u;
#endif
  var block = whole;
  block.batch = select(whole.batch, 0u, is_shared);
  block.start = select(whole.start, 0u, is_shared);
  block.first = select(whole.first, shared_first, is_shared);
  let row_count = select(select(params.keys, whole.length, whole.packed), params.shared_keys, is_shared);
  let query_count = select(
    select(min(params.queries, params.rows - block.batch * params.queries), whole.length, whole.packed), params.shared_queries, is_shared);
  let causal_offset = select(params.causal_offset, params.shared_causal, is_shared);
#endif
#if GENERAL
  let query_range = queries_of(block, query_count);
  let query_begin = query_range.x;
  let query_end = query_range.y;
#else
#if CHUNKED
  let chunk_begin = chunk * params.shared_chunk;
  let query_begin = max(block.first - min(block.first, causal_offset), select(0u, chunk_begin, is_shared));
  let query_end = select(query_count, select(min(query_count, chunk_begin + params.shared_chunk), 0u, block.first >= row_count), is_shared);
#else
  let query_begin = block.first - min(block.first, causal_offset);
#if SHARED
  let query_end = select(query_count, 0u, is_shared && block.first >= row_count);
#else
  let query_end = query_count;
#endif
#endif
#endif
  let k_origin = origin_of(${!SHARED ? "params.k" : "placed(params.k, params.shared_k, is_shared)"}, block);
  let v_origin = origin_of(${!SHARED ? "params.v" : "placed(params.v, params.shared_v, is_shared)"}, block);
  let side = side_of(lane);
#for c in COLUMNS
  let slice_${c} = slice_of(lane, ${c}u);
  let quad_${c} = quad_of(slice_${c});
#endfor

  // 2. Rows of k and v: in workgroup memory, or one row a lane.
#if TILE
  for (var i = lane; i < ${ROWS}u * params.depth; i += ${LANES}u) {
    let row = min(block.first + i / params.depth, max(row_count, 1u) - 1u);
    k_tile[i] = widen(k[k_origin + row * params.k.z + i % params.depth]);
    v_tile[i] = widen(v[v_origin + row * params.v.z + i % params.depth]);
  }
  workgroupBarrier();
#else
#for g in K_REGISTERS
  let row${g} = min(block.first + ${g * LANES}u + lane, max(row_count, 1u) - 1u);
  let k_row${g} = k_origin + row${g} * params.k.z;
  let v_row${g} = v_origin + row${g} * params.v.z;
#endfor
#endif
#for j in ROWS
#for c in COLUMNS
  var dk${j}_${c} = vec${SLICE}<f32>();
  var dv${j}_${c} = vec${SLICE}<f32>();
#endfor
#endfor
  let scale = params.scale * 1.4426950408889634;

#if GENERAL
  for (var member = 0u; member < params.group; member++) {
  let query_block = query_block_of(block, member);
  let mask_origin = mask_origin_of(block.batch, query_block.head);
#else
  let query_block = block;
#endif
  let q_operand = operand_of(${!SHARED ? "params.q" : "placed(params.q, params.shared_q, is_shared)"}, NO_PREFIX, query_block);
  let grad_operand = operand_of(${!SHARED ? "params.grad" : "placed(params.grad, params.shared_grad, is_shared)"}, NO_PREFIX, query_block);
  let stats_origin = origin_of(${!SHARED ? "params.stats" : "placed(params.stats, params.shared_stats, is_shared)"}, query_block);
  for (var step = query_begin; step < query_end; step += ${STEP}u) {
    // 3. qk = q k^T and dp = grad v^T: lanes hold KEYS queries each. Rows of k go in groups of 8, and a group after the last row is skipped.
    let query = step + lane * ${KEYS}u;
#for t in KEYS
    let query${t} = min(query + ${t}u, query_end - 1u);
    let q_row${t} = row_of(q_operand, query${t});
    let grad_row${t} = row_of(grad_operand, query${t});
    let stat${t} = stats[stats_origin + query${t} * params.stats.z];
#for j in ROWS
    var qk${j}_${t} = 0.0;
    var dp${j}_${t} = 0.0;
#endfor
#endfor
    for (var d = 0u; d < params.depth; d++) {
#for t in KEYS
      let q${t} = widen(load_q(q_row${t}, d));
      let grad${t} = widen_grad(load_grad(grad_row${t}, d));
#endfor
#if !TILE
#for g in K_REGISTERS
#if g > 0 && BRANCHES
      var k${g} = vec4<f32>();
      var v${g} = vec4<f32>();
      if (block.first + ${g * LANES}u < row_count) {
        k${g} = widen(k[k_row${g} + d]);
        v${g} = widen(v[v_row${g} + d]);
      }
#else
      let k${g} = widen(k[k_row${g} + d]);
      let v${g} = widen(v[v_row${g} + d]);
#endif
#endfor
#endif
#for g in ROWS / 8
#if g > 0
      if (block.first + ${8 * g}u < row_count)
#endif
      {
#for j in 8 * g..8 * g + 8
        {
#if TILE
          let k_j = k_tile[${j}u * params.depth + d];
          let v_j = v_tile[${j}u * params.depth + d];
#else
          let k_j = ${BROADCAST}(k${j / LANES}, ${j % LANES}u);
          let v_j = ${BROADCAST}(v${j / LANES}, ${j % LANES}u);
#endif
#for t in KEYS
          qk${j}_${t} += dot(k_j, q${t});
          dp${j}_${t} += dot(v_j, grad${t});
#endfor
        }
#endfor
      }
#endfor
    }

    // 4. p and ds = p (dp - delta), 0 where masked. From here on dp holds p and qk holds ds: separate variables
    // cost lavapipe 15 % (docs/kernels/attention.md).
#for g in ROWS / 8
#if g > 0
    if (block.first + ${8 * g}u < row_count)
#endif
    {
#for t in KEYS
#for j in 8 * g..8 * g + 8
      {
#if GENERAL
        let at = masked(mask_origin, query${t}, min(block.first + ${j}u, row_count - 1u));
        let seen = (query + ${t}u < query_end) & at.seen;
        let p = select(0.0, exp2(qk${j}_${t} * scale + at.bias - stat${t}.x), seen);
#else
        let seen = query + ${t}u < query_end && query + ${t}u + causal_offset >= block.first + ${j}u;
        let p = select(0.0, exp2(qk${j}_${t} * scale - stat${t}.x), seen);
#endif
        let ds = p * select(0.0, dp${j}_${t} - stat${t}.y, seen);
        qk${j}_${t} = ds;
        dp${j}_${t} = p;
#if TILE
        p_tile[${(j * KEYS + t) * LANES}u + lane] = p;
        ds_tile[${(j * KEYS + t) * LANES}u + lane] = ds;
#endif
      }
#endfor
#endfor
    }
#endfor

    // 5. dk += ds q, then dv += p grad: lanes turn from queries to slices of the head dimension. The values of one lane after the other are handed to
    // all, and meet its rows of q or grad.
#if TILE
    workgroupBarrier();
#endif
    let turns = min(${LANES}u, (query_end - step + ${KEYS - 1}u) / ${KEYS}u);
#for product in 2
#let SUM = product == 0 ? "dk" : "dv"
#let FACTOR = product == 0 ? "ds" : "p"
#let FACTOR_IN = product == 0 ? "qk" : "dp"
#let ROW = product == 0 ? "q" : "grad"
#let WIDEN = product == 0 ? "widen" : "widen_grad"
    for (var turn = 0u; turn < turns; turn += 1u + params.split) {
      let source = turn + side;
#for t in KEYS
      let source_row${t} = row_of(${ROW}_operand, min(step + source * ${KEYS}u + ${t}u, query_end - 1u));
#for c in COLUMNS
      let ${ROW}${t}_${c} = slice(${WIDEN}(load_${ROW}(source_row${t}, quad_${c})), lane);
#endfor
#endfor
#for g in ROWS / 8
#if g > 0
      if (block.first + ${8 * g}u < row_count)
#endif
      {
#for j in 8 * g..8 * g + 8
        {
#for t in KEYS
          let ${FACTOR}${t} = ${TILE ? FACTOR + "_tile[" + (j * KEYS + t) * LANES + "u + source]" : "subgroupShuffle(" + FACTOR_IN + j + "_" + t + ", source)"};
#endfor
#for c in COLUMNS
#for t in KEYS
          ${SUM}${j}_${c} += ${FACTOR}${t} * ${ROW}${t}_${c};
#endfor
#endfor
        }
#endfor
      }
#endfor
    }
#endfor
#if TILE
    workgroupBarrier(); // the next step overwrites p_tile and ds_tile
#endif
  }
#if GENERAL
  }
#endif

  // 6. Few store sites keep compilation short on CPU adapters: each pass writes one row of every eight. The shift gives 0, but compilers cannot know,
  // and do not unroll the loop.
  let dk_origin = origin_of(${!SHARED ? "params.dk" : "placed(params.dk, params.shared_dk, is_shared)"}, block);
  let dv_origin = origin_of(${!SHARED ? "params.dv" : "placed(params.dv, params.shared_dv, is_shared)"}, block);
#if CHUNKED
  let partial_row = groups.y * params.depth * ${SLICES}u;
  let partial_origin = chunk * 2u * params.shared_keys * partial_row + block.head * params.depth * ${SLICES}u;
#endif
  for (var i = 0u; i < 8u + (params.depth >> 31u); i++) {
#for r in ROWS / 8
#let F = 8 * r
    {
      let row = block.first + ${F}u + i;
#for product in 2
#let SUM = product == 0 ? "dk" : "dv"
#let SCALE = product == 0 ? "params.scale" : "1.0"
#for c in COLUMNS
      let ${SUM}_${c} = merge_split(pick_slice(i, ${SUM}${F}_${c}, ${SUM}${F + 1}_${c}, ${SUM}${F + 2}_${c}, ${SUM}${F + 3}_${c}, ${SUM}${F + 4}_${c}, ${SUM}${F + 5}_${c}, ${SUM}${F + 6}_${c}, ${SUM}${F + 7}_${c}));
      if (row < row_count && side == 0u && slice_${c} < params.depth * ${SLICES}u) {
#if CHUNKED
        if (is_shared) {
          partials[partial_origin + (${product}u * params.shared_keys + row) * partial_row + slice_${c}] = ${SCALE} * ${SUM}_${c};
        } else {
          dkv[${SUM}_origin + row * params.${SUM}.z + slice_${c}] = narrow(${SCALE} * ${SUM}_${c});
        }
#else
        dkv[${SUM}_origin + row * params.${SUM}.z + slice_${c}] = narrow(${SCALE} * ${SUM}_${c});
#endif
      }
#endfor
#endfor
#if SHARED && !CHUNKED
      if (is_shared && params.has_unasked == 1u && row < row_count) {
#for c in COLUMNS
        if (side == 0u && slice_${c} < params.depth * ${SLICES}u) {
          dkv[params.shared_dq + row * params.dk.z + block.head * params.dk.w + slice_${c}] = narrow(vec${SLICE}<f32>());
        }
#endfor
      }
#endif
    }
#endfor
  }
}
