// Row blocks of packed sequences whose lengths only the device knows.
//
// Shapes   cuSeqlens [count + 1] (any stride) -> blocks [count * perSequence] of (start, length, first row, 0); blocks past the end of their
//          sequence get length 0, and kernels then do nothing. One thread an entry.
// Compile:
struct Params {
  offset: u32,
  stride: u32,
  entries: u32,
  perSequence: u32, // blocks of the longest sequence
  rows: u32,        // rows of a block
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> cuSeqlens: array<u32>;
@group(0) @binding(2) var<storage, read_write> blocks: array<vec4<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let entry = id.x + id.y * groups.x * 64u;
  if (entry >= params.entries) { return; }
  let sequence = entry / params.perSequence;
  let start = cuSeqlens[params.offset + sequence * params.stride];
  let length = cuSeqlens[params.offset + (sequence + 1u) * params.stride] - start;
  let row = (entry % params.perSequence) * params.rows;
  blocks[entry] = vec4<u32>(start, select(0u, length, row < length), row, 0u);
}
