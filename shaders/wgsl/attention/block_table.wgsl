// The table of row blocks of packed sequences whose lengths are on the device only.
//
// Shapes   cu_seqlens [count + 1] (any stride) -> blocks [count * blocks_per_sequence] of (start, length, first row, 0); blocks past the end of their
//          sequence get length 0, and kernels then do nothing. One thread an entry.
// Compile:
struct Params {
  offset: u32,
  stride: u32,
  entries: u32,
  blocks_per_sequence: u32, // blocks of the longest sequence
  rows: u32,        // rows of a block
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> cu_seqlens: array<u32>;
@group(0) @binding(2) var<storage, read_write> blocks: array<vec4<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let entry = id.x + id.y * groups.x * 64u;
  if (entry >= params.entries) { return; }
  let sequence = entry / params.blocks_per_sequence;
  let start = cu_seqlens[params.offset + sequence * params.stride];
  let length = cu_seqlens[params.offset + (sequence + 1u) * params.stride] - start;
  let row = (entry % params.blocks_per_sequence) * params.rows;
  blocks[entry] = vec4<u32>(start, select(0u, length, row < length), row, 0u);
}
