// lu: with partial pivoting, in place: y[z] becomes U on and above the diagonal and L without its unit diagonal below, places[z] the order of the rows,
// signs[z] the sign of that order. y [Z, N, N] contiguous; one workgroup a matrix. A column of zeros leaves a 0 in the diagonal of U.
// Compile:
struct Params { matrices: u32, n: u32 }
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<storage, read_write> places: array<i32>;
@group(0) @binding(2) var<storage, read_write> signs: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;
var<workgroup> best: array<f32, 64>;
var<workgroup> best_row: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let matrix = wid.x + wid.y * groups.x;
  let n = params.n;
  let is_inside = matrix < params.matrices;
  let rows = min(matrix, params.matrices - 1u) * n;
  let base = rows * n;
  for (var i = local; i < n && is_inside; i += 64u) { places[rows + i] = i32(i); }
  var sign = 1.0;
  storageBarrier();
  for (var k = 0u; k < n; k++) {
    var large = -1.0;
    var row = k;
    for (var i = k + local; i < n; i += 64u) {
      let size = abs(y[base + i * n + k]);
      if (size > large) {
        large = size;
        row = i;
      }
    }
    best[local] = large;
    best_row[local] = row;
    for (var half = 32u; half > 0u; half = half / 2u) {
      workgroupBarrier();
      // Of equal ones the first row, so that the choice does not depend on the division of work.
      if (local < half) {
        let other = best[local + half];
        if (other > best[local] || (other == best[local] && best_row[local + half] < best_row[local])) {
          best[local] = other;
          best_row[local] = best_row[local + half];
        }
      }
    }
    workgroupBarrier();
    let pivot = best_row[0];
    if (pivot != k) { sign = -sign; }
    for (var j = local; j < n && is_inside; j += 64u) {
      let above = y[base + k * n + j];
      y[base + k * n + j] = y[base + pivot * n + j];
      y[base + pivot * n + j] = above;
    }
    if (local == 0u && is_inside) {
      let above = places[rows + k];
      places[rows + k] = places[rows + pivot];
      places[rows + pivot] = above;
    }
    storageBarrier();
    workgroupBarrier();
    let divisor = y[base + k * n + k];
    for (var i = k + 1u + local; i < n && is_inside; i += 64u) {
      y[base + i * n + k] = select(y[base + i * n + k] / divisor, 0.0, divisor == 0.0);
    }
    storageBarrier();
    let width = n - k - 1u;
    for (var at = local; at < width * width && is_inside; at += 64u) {
      let i = k + 1u + at / width;
      let j = k + 1u + at % width;
      y[base + i * n + j] -= y[base + i * n + k] * y[base + k * n + j];
    }
    storageBarrier();
  }
  if (local == 0u && is_inside) { signs[matrix] = sign; }
}
