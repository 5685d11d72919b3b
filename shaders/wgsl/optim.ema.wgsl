// optim.ema: average = decay average + (1 - decay) p over a flat parameter buffer; vec4 per invocation.
// Compile:

struct Params {
  count: u32,
  decay: f32,
  rest: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> p: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> average: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  average[i] = params.decay * average[i] + params.rest * p[i];
}
