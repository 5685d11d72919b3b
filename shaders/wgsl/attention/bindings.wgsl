// Parameters and bindings of the attention kernels: the subgroup and the flash form of a PASS ("forward", "dq" or "dkv") have the same.
//
// A tensor's layout is (offset, batch stride, row stride, head stride) in units of 4 elements; the head dimension is dense.
// GENERAL=1: heads of queries share heads of keys, each query has a window of keys, scores have a mask; then there is no prefix.
// DELTA=1 (pass dq): the statistics of attention/delta.wgsl are formed here, and written for the pass dkv; it takes 10 storage buffers.
// Needs Quad, GradQuad and Slice of attention/elements.wgsl.
// Include only.
struct Params {
#if GENERAL
  mask: vec4<u32>,    // offset, batch stride, head stride, row stride, in elements; 0 where it repeats
#endif
  q: vec4<u32>,
  k: vec4<u32>,
  v: vec4<u32>,
#if PASS == "forward"
  prefix_k: vec4<u32>,
  prefix_v: vec4<u32>,
  out: vec4<u32>,     // in units of SLICE elements
  lse: vec4<u32>,     // in elements
#elif PASS == "dq"
  prefix_k: vec4<u32>,
  prefix_v: vec4<u32>,
  grad: vec4<u32>,
  dq: vec4<u32>,      // in units of SLICE elements
  stats: vec4<u32>,   // in pairs
#if DELTA
  out: vec4<u32>,
  lse: vec4<u32>,     // in elements
#endif
#else
  grad: vec4<u32>,
  dk: vec4<u32>,      // in units of SLICE elements
  dv: vec4<u32>,
  stats: vec4<u32>,   // in pairs
  rows: u32,          // queries of all batches together
#if !GENERAL
  // A prefix in one projection with the sequences, whose gradient the same dispatch forms; its rows and heads lie as theirs. In the flash form there is none.
  shared_begin: u32,   // the block of the table (dense: the batch) from which on keys are those of the prefix; beyond all where there is none
  shared_keys: u32,
  shared_queries: u32, // that attend to them, of all sequences
  shared_causal: u32,  // as causal_offset
  shared_q: u32,       // offsets, as those of the layouts
  shared_k: u32,
  shared_v: u32,
  shared_grad: u32,
  shared_stats: u32,
  shared_dk: u32,
  shared_dv: u32,
  shared_dq: u32,      // of queries that were not asked, whose gradient becomes 0
  has_unasked: u32,
  shared_blocks: u32,  // blocks of its keys, and queries of a chunk, where there are chunks (attention/dkv.wgsl, CHUNKED=1)
  shared_chunk: u32,
#endif
#endif
  queries: u32,
  keys: u32,
#if PASS != "dkv"
  prefix_len: u32,
  asks_prefix: u32,   // 1: the prefix's rows are queries too, in the blocks after those of the table (causal packed rows; not in the flash form)
#endif
  depth: u32,         // head dimension / 4
  block_count: u32,   // entries of the block table; 0: dense rows
  causal_offset: u32, // query i attends to keys up to i + causal_offset: 0 if causal, else more than there are
  split: u32,         // see attention/subgroup.wgsl; 0 in the flash form
  scale: f32,         // of the scores; in the forward pass times log2(e)
#if GENERAL
  mask_key: u32,      // stride of the mask along keys
  mask_kind: u32,     // 0: none; 1: words, 0 where a key is hidden; 2: f32 that are added to scores
  group: u32,         // heads of queries that share one of keys and values
  first_head: u32,    // of the grid, among heads of queries; in the pass dkv among those of keys
  first_key: i32,     // query i attends to keys from i + first_key ...
  last_key: i32,      // ... up to i + last_key; causal_offset is unused
#endif
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<Quad>;
@group(0) @binding(2) var<storage, read> k: array<Quad>;
@group(0) @binding(3) var<storage, read> v: array<Quad>;
@group(0) @binding(4) var<storage, read> blocks: array<vec4<u32>>; // the block table, see attention/rows.wgsl
#if PASS == "forward"
@group(0) @binding(5) var<storage, read_write> out: array<Slice>;
@group(0) @binding(6) var<storage, read_write> lse: array<f32>;
#else
@group(0) @binding(5) var<storage, read> grad: array<GradQuad>;
#if PASS == "dq" && DELTA
@group(0) @binding(6) var<storage, read_write> stats: array<vec2<f32>>; // written: attention/delta.wgsl has not run
@group(0) @binding(10) var<storage, read> out: array<Quad>;
@group(0) @binding(11) var<storage, read> lse: array<f32>;
#else
@group(0) @binding(6) var<storage, read> stats: array<vec2<f32>>;
#endif
#if PASS == "dq"
@group(0) @binding(7) var<storage, read_write> dq: array<Slice>;
#else
@group(0) @binding(7) var<storage, read_write> dkv: array<Slice>;  // dk and dv, two layouts in one buffer
#endif
#endif
#if PREFIX
@group(0) @binding(8) var<storage, read> prefix: array<Quad>;      // keys and values of the prefix, two layouts in one buffer
#endif
#if GENERAL
@group(0) @binding(9) var<storage, read> mask: array<u32>;         // see attention/masked.wgsl; any buffer if there is none
#endif
