// optim.ema: average = decay average + (1 - decay) p over a flat parameter buffer. A workgroup of WG threads takes WG * PER
// neighbouring vectors.
// Compile: WG=8 PER=64 | WG=64 PER=4

struct Params {
  count: u32,
  decay: f32,
  rest: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> p: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> average: array<vec4<f32>>;

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let first = (wid.x + wid.y * groups.x) * ${WG * PER}u;
  let end = min(first + ${WG * PER}u, params.count);
  for (var at = first + lane; at < end; at += ${WG}u) {
    average[at] = params.decay * average[at] + params.rest * p[at];
  }
}
