// triangular: y[z] = op(a[z])^-1 b[z]; of a only one triangle is read. a [Z, N, N], b, y [Z, N, M] contiguous; one thread a column of y.
// params: upper 1: the upper triangle of a, transposed 1: op is the transpose, unit 1: the diagonal counts as 1.
// Compile:
struct Params {
  count: u32,
  n: u32,
  m: u32,
  a_offset: u32,
  b_offset: u32,
  upper: u32,
  transposed: u32,
  unit: u32,
}
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count) { return; }
  let n = params.n;
  let matrix = index / params.m;
  let first = params.a_offset + matrix * n * n;
  let column = matrix * n * params.m + index % params.m;
  let row_step = select(n, 1u, params.transposed != 0u);
  let column_step = select(1u, n, params.transposed != 0u);
  // The upper triangle, or the lower one transposed, is solved from the end.
  let is_backward = params.upper != params.transposed;
  for (var step = 0u; step < n; step++) {
    let i = select(step, n - 1u - step, is_backward);
    var rest = b[params.b_offset + column + i * params.m];
    for (var earlier = 0u; earlier < step; earlier++) {
      let k = select(earlier, n - 1u - earlier, is_backward);
      rest -= a[first + i * row_step + k * column_step] * y[column + k * params.m];
    }
    if (params.unit == 0u) { rest = rest / a[first + i * n + i]; }
    y[column + i * params.m] = rest;
  }
}
