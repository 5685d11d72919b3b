// index_check: the lowest position whose index is outside `extent` (negative signed ones count from the end) and not the ignored one:
// flags[slot] = position or the largest u32, flags[slots + slot] = the index there.
// One workgroup walks through all indices, which are contiguous. Only run when a device checks indices.
// Compile:
struct Params {
  count: u32,
  offset: u32,
  extent: u32,
  signed: u32,
  slot: u32,
  slots: u32,
  has_ignored: u32,
  ignored: u32,
}

@group(0) @binding(0) var<storage, read> indices: array<u32>;
@group(0) @binding(1) var<storage, read_write> flags: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

const UNSET = 0xffffffffu;
var<workgroup> lowest: atomic<u32>;

fn is_outside(given: u32) -> bool {
  var index = given;
  if (params.signed == 1u && bitcast<i32>(index) < 0) { index += params.extent; }
  return index >= params.extent && !(params.has_ignored == 1u && index == params.ignored);
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  if (local == 0u) { atomicStore(&lowest, UNSET); }
  workgroupBarrier();
  for (var at = local; at < params.count; at += 64u) {
    if (is_outside(indices[params.offset + at])) {
      atomicMin(&lowest, at);
      break;
    }
  }
  workgroupBarrier();
  if (local == 0u) {
    let position = atomicLoad(&lowest);
    flags[params.slot] = position;
    if (position != UNSET) { flags[params.slots + params.slot] = indices[params.offset + position]; }
  }
}
