// index_check: flags[slot] = the lowest position whose index is outside `extent` (negative signed ones count from the end) and not
// the ignored one.
// One thread an index, contiguous; flags start at the largest u32. Only run when a device checks indices.
// Compile:
struct Params {
  count: u32,
  offset: u32,
  extent: u32,
  signed: u32,
  slot: u32,
  has_ignored: u32,
  ignored: u32,
}

@group(0) @binding(0) var<storage, read> indices: array<u32>;
@group(0) @binding(1) var<storage, read_write> flags: array<atomic<u32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let thread = (wid.x + wid.y * groups.x) * 64u + local;
  if (thread >= params.count) { return; }
  var index = indices[params.offset + thread];
  if (params.signed == 1u && bitcast<i32>(index) < 0) { index += params.extent; }
  let is_ignored = params.has_ignored == 1u && index == params.ignored;
  if (index >= params.extent && !is_ignored) { atomicMin(&flags[params.slot], thread); }
}
