// Grouped heads, windows and masks of the attention kernels (GENERAL=1; without it the block's rows as they are).
//
// Query i attends to keys i + first_key .. i + last_key of its sequence that the mask does not hide. A mask is one word for each pair, of strides that
// are 0 where it repeats: 0 hides a key (mask_kind 1), or an f32 that is added to the score, of which minus infinity hides (mask_kind 2).
// Needs attention/rows.wgsl.
// Include only.

// The block's rows among keys and values.
fn kv_block_of(block: Block) -> Block {
#if GENERAL
  return Block(block.batch, (params.first_head + block.head) / params.group, block.start, block.first, block.packed, block.length, block.before);
#else
  return block;
#endif
}

#if GENERAL
// A block of keys among the queries of one of the heads that share it.
fn query_block_of(block: Block, member: u32) -> Block {
  let head = (params.first_head + block.head) * params.group + member;
  return Block(block.batch, head, block.start, block.first, block.packed, block.length, block.before);
}

// First key that a block of ROWS queries attends to, and the end of them.
fn keys_of(block: Block, key_count: u32) -> vec2<u32> {
  let first = i32(block.first);
  return vec2<u32>(u32(max(0, first + params.first_key)), u32(clamp(first + ${ROWS} + params.last_key, 0, i32(key_count))));
}

// First query that attends to a block of ROWS keys, and the end of them.
fn queries_of(block: Block, query_count: u32) -> vec2<u32> {
  let first = i32(block.first);
  return vec2<u32>(u32(max(0, first - params.last_key)), u32(clamp(first + ${ROWS} - params.first_key, 0, i32(query_count))));
}

fn mask_origin_of(batch: u32, head: u32) -> u32 {
  return params.mask.x + batch * params.mask.y + head * params.mask.z;
}

struct Masked {
  seen: bool,
  bias: f32, // added to the score, times log2(e)
}

// Without short circuits, whose branches SwiftShader compiles for minutes.
fn masked(origin: u32, query: u32, key: u32) -> Masked {
  let word = mask[origin + query * params.mask.w + key * params.mask_key];
  let ahead = i32(key) - i32(query);
  let is_added = params.mask_kind == 2u;
  let is_hidden = (params.mask_kind != 0u) & (word == select(0u, 0xff800000u, is_added));
  return Masked(
    !is_hidden & (ahead >= params.first_key) & (ahead <= params.last_key),
    select(0.0, bitcast<f32>(word) * 1.4426950408889634, is_added));
}
#endif
