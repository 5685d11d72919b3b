// optim.update: the entry point of update rules without a reduction. The including file declares `struct Scalars`, what a step needs once;
// `fn begin(lr, t) -> Scalars`, t counted from 1 (0 without COUNT); and `fn update(at, scalars)`, which updates vector `at` of the parameters.
// Include only.

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let block = wid.x + wid.y * groups.x;
  if (block >= params.blocks) { return; }
#if COUNT
  let count = steps[block];
  workgroupBarrier();
  let t = f32(count + 1u);
#else
  let t = 0.0;
#endif
  if (is_active(block)) {
    let scalars = begin(learning_rate(), t);
    for (var at = block * 64u + lane; at < block * 64u + 64u; at += ${WG}u) {
      update(at, scalars);
    }
#if COUNT
    if (lane == 0u) { steps[block] = count + 1u; }
#endif
  }
}
