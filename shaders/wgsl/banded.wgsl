// banded: y = M x along one axis, M a matrix whose rows each have a few neighbouring weights: y[a, r, b] = sum over t < spans[r].y of
// weights[r * width + t] * x[a, spans[r].x + t, b]. Contiguous x [outer, columns, inner] at any offset, y [outer, rows, inner]; one thread an element
// of y. f32 sums in the order of t.
// Compile: T=f32 | T=f16
#if T == "f16"
enable f16;
#endif

struct Params {
  count: u32,
  x_offset: u32,
  rows: u32,
  columns: u32,
  inner: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<${T}>;
@group(0) @binding(2) var<storage, read> spans: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<${T}>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count) { return; }
  let row = index / params.inner % params.rows;
  let outer = index / params.inner / params.rows;
  let span = spans[row];
  var at = params.x_offset + (outer * params.columns + span.x) * params.inner + index % params.inner;
  var sum = 0.0;
  for (var t = 0u; t < span.y; t++) {
    sum += weights[row * params.width + t] * f32(x[at]);
    at += params.inner;
  }
  y[index] = ${T}(sum);
}
