// qr: Householder reflections, in place: r[z] becomes upper triangular, q[z] = the first K = min(M, N) columns of the product of the reflections.
// r [Z, M, N], q [Z, M, K], heads [Z, K] contiguous; one workgroup a matrix, one thread a column at a time. The vectors of the reflections stand below the
// diagonal of r until q is made, their first elements in heads.
// Compile:
struct Params { matrices: u32, m: u32, n: u32 }
@group(0) @binding(0) var<storage, read_write> r: array<f32>;
@group(0) @binding(1) var<storage, read_write> q: array<f32>;
@group(0) @binding(2) var<storage, read_write> heads: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;
var<workgroup> partial: array<f32, 64>;

// The sum over all threads; ends with a barrier.
fn total(local: u32, value: f32) -> f32 {
  partial[local] = value;
  for (var half = 32u; half > 0u; half = half / 2u) {
    workgroupBarrier();
    if (local < half) { partial[local] += partial[local + half]; }
  }
  workgroupBarrier();
  let sum = partial[0];
  workgroupBarrier();
  return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let matrix = wid.x + wid.y * groups.x;
  let is_inside = matrix < params.matrices;
  let z = min(matrix, params.matrices - 1u);
  let m = params.m;
  let n = params.n;
  let k = min(m, n);
  let base = z * m * n;
  for (var j = 0u; j < k; j++) {
    // Measured in the largest element, so that squares neither overflow nor vanish.
    var largest = 0.0;
    for (var i = j; i < m; i++) { largest = max(largest, abs(r[base + i * n + j])); }
    let unit = select(largest, 1.0, largest == 0.0);
    var squares = 0.0;
    for (var i = j + local; i < m; i += 64u) {
      let x = r[base + i * n + j] / unit;
      squares += x * x;
    }
    let length = unit * sqrt(total(local, squares));
    let diagonal = r[base + j * n + j];
    // The head keeps its sign: nothing cancels.
    let head = diagonal + select(length, -length, diagonal < 0.0);
    // v = (1, column below / head); reflection I - factor v v^T.
    let factor = select(head / select(length, -length, diagonal < 0.0), 0.0, length == 0.0);
    storageBarrier();
    for (var i = j + 1u + local; i < m && is_inside; i += 64u) {
      r[base + i * n + j] = select(r[base + i * n + j] / head, 0.0, length == 0.0);
    }
    if (local == 0u && is_inside) {
      heads[z * k + j] = factor;
      r[base + j * n + j] = select(-length, length, diagonal < 0.0);
    }
    storageBarrier();
    for (var column = j + 1u + local; column < n && is_inside; column += 64u) {
      var dot = r[base + j * n + column];
      for (var i = j + 1u; i < m; i++) { dot += r[base + i * n + j] * r[base + i * n + column]; }
      dot *= factor;
      r[base + j * n + column] -= dot;
      for (var i = j + 1u; i < m; i++) { r[base + i * n + column] -= dot * r[base + i * n + j]; }
    }
    storageBarrier();
  }
  // Reflections from the last to the first turn columns of the identity into those of q; each thread has its columns.
  let first = z * m * k;
  for (var column = local; column < k && is_inside; column += 64u) {
    for (var i = 0u; i < m; i++) { q[first + i * k + column] = select(0.0, 1.0, i == column); }
    for (var back = 0u; back < k; back++) {
      let j = k - 1u - back;
      var dot = q[first + j * k + column];
      for (var i = j + 1u; i < m; i++) { dot += r[base + i * n + j] * q[first + i * k + column]; }
      dot *= heads[z * k + j];
      q[first + j * k + column] -= dot;
      for (var i = j + 1u; i < m; i++) { q[first + i * k + column] -= dot * r[base + i * n + j]; }
    }
  }
}
