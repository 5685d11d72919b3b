// compact: places[running[i] - 1] = i for every i whose flag is set; running[i] counts the flags set up to i. One thread a flag.
// Compile:
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> flags: array<u32>;
@group(0) @binding(1) var<storage, read> running: array<i32>;
@group(0) @binding(2) var<storage, read_write> places: array<i32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count || flags[index] == 0u) { return; }
  places[running[index] - 1] = i32(index);
}
