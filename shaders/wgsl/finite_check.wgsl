// finite_check: flags[slot] = 1 where an element is infinite or no number, by its bits (compilers may take finite values for granted), else 0.
// One workgroup walks through all elements, which are contiguous. Only run when a device checks values.
// Compile: T=f32 | T=f16
#if T == "f16"
enable f16;
#endif

struct Params {
  count: u32,
  offset: u32,
  slot: u32,
}

@group(0) @binding(0) var<storage, read> x: array<${T}>;
@group(0) @binding(1) var<storage, read_write> flags: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> found: atomic<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  if (local == 0u) { atomicStore(&found, 0u); }
  workgroupBarrier();
  for (var at = local; at < params.count; at += 64u) {
    let bits = bitcast<u32>(f32(x[params.offset + at]));
    if ((bits & 0x7f800000u) == 0x7f800000u) {
      atomicStore(&found, 1u);
      break;
    }
  }
  workgroupBarrier();
  if (local == 0u) { flags[params.slot] = atomicLoad(&found); }
}
