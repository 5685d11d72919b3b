// cholesky: y[z] = the lower triangular L with L L^T = (a[z] + a[z]^T) / 2. a, y [Z, N, N] contiguous; one workgroup a matrix, column by column. From
// the first pivot that is not positive on, columns are NaN.
// Compile:
struct Params { matrices: u32, n: u32, offset: u32 }
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;
#include "math.base.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let matrix = wid.x + wid.y * groups.x;
  let n = params.n;
  let base = min(matrix, params.matrices - 1u) * n * n;
  let is_inside = matrix < params.matrices;
  for (var j = 0u; j < n; j++) {
    for (var i = local; i < n && is_inside; i += 64u) {
      var rest = 0.0;
      if (i >= j) {
        rest = 0.5 * (a[params.offset + base + i * n + j] + a[params.offset + base + j * n + i]);
        for (var k = 0u; k < j; k++) { rest -= y[base + i * n + k] * y[base + j * n + k]; }
      }
      y[base + i * n + j] = rest;
    }
    storageBarrier();
    let pivot = y[base + j * n + j];
    let root = select(math_nan(), sqrt(pivot), pivot > 0.0);
    storageBarrier();
    for (var i = j + local; i < n && is_inside; i += 64u) {
      y[base + i * n + j] = select(y[base + i * n + j] / root, root, i == j);
    }
    storageBarrier();
  }
}
