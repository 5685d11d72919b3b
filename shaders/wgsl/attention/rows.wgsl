// Rows of the attention kernels: the block of ROWS rows that a workgroup computes, and where rows lie in memory.
//
// Packed rows are named by a table of blocks; dense ones are counted by the grid, and bind any buffer in the table's place (block_count = 0).
// Needs attention/bindings.wgsl.
// Include only.
struct Block {
  batch: u32,
  head: u32,
  start: u32,   // where its sequence begins, 0 if dense
  first: u32,   // its first row in the sequence
  packed: bool,
  length: u32,  // rows of its sequence, if packed
  before: u32,  // rows of the prefix, all of which its queries attend to, before those of the sequence
}

fn block_of(group: vec3<u32>, groups: vec3<u32>) -> Block {
  let packed = params.block_count > 0u;
  let index = group.x + group.z * groups.x;
  let entry = blocks[min(index, max(params.block_count, 1u) - 1u)]; // start, length, first row
  let length = select(0u, entry.y, index < params.block_count);
#if PASS == "dkv"
  let before = 0u;
#else
  let before = params.prefix_len;
#endif
#if PASS != "dkv" && PREFIX
  // Blocks after those of the table: the prefix, whose rows lie before the first sequence, as a sequence of its rows with nothing before it.
  let is_prefix = params.asks_prefix == 1u && index >= params.block_count;
  return Block(
    select(group.z, 0u, packed),
    group.y,
    select(select(0u, entry.x, packed), 0u - params.prefix_len, is_prefix),
    select(select(group.x * ${ROWS}u, entry.z, packed), (index - params.block_count) * ${ROWS}u, is_prefix),
    packed,
    select(length, params.prefix_len, is_prefix),
    select(before, 0u, is_prefix));
#else
  return Block(
    select(group.z, 0u, packed),
    group.y,
    select(0u, entry.x, packed),
    select(group.x * ${ROWS}u, entry.z, packed),
    packed,
    length,
    before);
#endif
}

// Where row 0 of the block's sequence lies, in its head, of a tensor with this tensor_layout.
fn origin_of(tensor_layout: vec4<u32>, block: Block) -> u32 {
  return tensor_layout.x + block.batch * tensor_layout.y + block.start * tensor_layout.z + block.head * tensor_layout.w;
}

// An operand whose rows a workgroup walks through: k and v, rows of a prefix (PREFIX) before those of the sequence; in the pass dkv q and grad.
struct Operand {
  origin: u32,
  stride: u32,
#if PREFIX
  prefix_origin: u32,
  prefix_stride: u32,
#endif
}

const NO_PREFIX = vec4<u32>();

fn operand_of(tensor_layout: vec4<u32>, prefix_layout: vec4<u32>, block: Block) -> Operand {
#if PREFIX
  return Operand(origin_of(tensor_layout, block), tensor_layout.z, prefix_layout.x + block.head * prefix_layout.w, prefix_layout.z);
#else
  return Operand(origin_of(tensor_layout, block), tensor_layout.z);
#endif
}

// Where one of its rows lies.
struct Row {
  at: u32,
#if PREFIX
  prefix_at: u32,
  is_prefix: bool,
#endif
}

fn row_of(operand: Operand, row: u32) -> Row {
#if PREFIX && BRANCHES
  return Row( // the address that is not meant is never read
    operand.origin + (row - params.prefix_len) * operand.stride,
    operand.prefix_origin + row * operand.prefix_stride,
    row < params.prefix_len);
#elif PREFIX
  let after_prefix = max(row, params.prefix_len) - params.prefix_len;
  let in_prefix = min(row, params.prefix_len - 1u);
  return Row(
    operand.origin + after_prefix * operand.stride,
    operand.prefix_origin + in_prefix * operand.prefix_stride,
    row < params.prefix_len);
#else
  return Row(operand.origin + row * operand.stride);
#endif
}

// Quad d of a row. Branches around loads (BRANCHES) cost nothing on lavapipe, but SwiftShader needs minutes and gigabytes to compile them.
#for x in 2
#let NAME = PASS == "dkv" ? (x == 0 ? "q" : "grad") : (x == 0 ? "k" : "v")
fn load_${NAME}(row: Row, d: u32) -> ${NAME == "grad" ? "GradQuad" : "Quad"} {
#if !PREFIX
  return ${NAME}[row.at + d];
#elif BRANCHES
  var quad: Quad;
  if (row.is_prefix) {
    quad = prefix[row.prefix_at + d];
  } else {
    quad = ${NAME}[row.at + d];
  }
  return quad;
#else
  return select(${NAME}[row.at + d], prefix[row.prefix_at + d], row.is_prefix);
#endif
}
#endfor
