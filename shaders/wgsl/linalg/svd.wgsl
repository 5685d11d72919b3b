// svd: singular values by one-sided Jacobi rotations, all disjoint pairs of a round at once. In place: the rows of w[z] (the columns of a matrix of M >= N
// rows) become orthogonal, the rows of v[z] record the rotations; lengths[z] are the singular values, not sorted, and the rows of w[z] are divided by them
// (0 where one vanishes). w [Z, N, M], v [Z, N, N], lengths [Z, N] contiguous; one workgroup a matrix, one thread a pair. Ends after a sweep in which the
// cosine of no angle exceeded 5e-7, at most after 15. All NaN where an element is not finite.
// Compile:
struct Params { matrices: u32, m: u32, n: u32 }
@group(0) @binding(0) var<storage, read_write> w: array<f32>;
@group(0) @binding(1) var<storage, read_write> v: array<f32>;
@group(0) @binding(2) var<storage, read_write> lengths: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;
#include "math.base.wgsl"
#include "linalg/jacobi.wgsl"
var<workgroup> moved: atomic<u32>;
var<workgroup> again: u32;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let z = min(wid.x + wid.y * groups.x, params.matrices - 1u);
  let is_inside = wid.x + wid.y * groups.x < params.matrices;
  let m = params.m;
  let n = params.n;
  let base = z * n * m;
  let square = z * n * n;
  let pairs = (n + 1u) / 2u;
  let players = 2u * pairs;
  for (var at = local; at < n * n && is_inside; at += 64u) { v[square + at] = select(0.0, 1.0, at / n == at % n); }
  var largest = 0.0;
  for (var at = local; at < n * m; at += 64u) { largest = max(largest, abs(w[base + at])); }
  let unit = unit_of(local, largest);
  for (var at = local; at < n * m && is_inside && unit != 1.0; at += 64u) { w[base + at] = w[base + at] / unit; }
  storageBarrier();
  for (var sweep = 0u; sweep < 15u; sweep++) {
    if (local == 0u) { atomicStore(&moved, 0u); }
    workgroupBarrier();
    for (var round = 0u; round < players - 1u; round++) {
      for (var index = local; index < pairs && is_inside; index += 64u) {
        let pair = pair_of(index, round, players);
        if (pair.y < n) {
          let x = base + pair.x * m;
          let y = base + pair.y * m;
          var xx = 0.0;
          var yy = 0.0;
          var xy = 0.0;
          for (var i = 0u; i < m; i++) {
            xx += w[x + i] * w[x + i];
            yy += w[y + i] * w[y + i];
            xy += w[x + i] * w[y + i];
          }
          let scale = sqrt(xx) * sqrt(yy);
          if (abs(xy) > 5.0e-7 * scale) { atomicStore(&moved, 1u); }
          if (abs(xy) > 1.0e-8 * scale) {
            let turn = rotation_of(xx, yy, xy);
            for (var i = 0u; i < m; i++) {
              let a = w[x + i];
              let b = w[y + i];
              w[x + i] = turn.x * a - turn.y * b;
              w[y + i] = turn.y * a + turn.x * b;
            }
            for (var i = 0u; i < n; i++) {
              let a = v[square + pair.x * n + i];
              let b = v[square + pair.y * n + i];
              v[square + pair.x * n + i] = turn.x * a - turn.y * b;
              v[square + pair.y * n + i] = turn.y * a + turn.x * b;
            }
          }
        }
      }
      storageBarrier();
    }
    workgroupBarrier();
    if (local == 0u) { again = atomicLoad(&moved); }
    if (workgroupUniformLoad(&again) == 0u) { break; }
  }
  if (local == 0u) { atomicStore(&moved, 0u); }
  workgroupBarrier();
  for (var row = local; row < n && is_inside; row += 64u) {
    var squares = 0.0;
    for (var i = 0u; i < m; i++) { squares += w[base + row * m + i] * w[base + row * m + i]; }
    let length = sqrt(squares);
    lengths[z * n + row] = length * unit;
    if (!math_is_finite(length)) { atomicStore(&moved, 1u); }
    for (var i = 0u; i < m; i++) { w[base + row * m + i] = select(w[base + row * m + i] / length, 0.0, length == 0.0); }
  }
  storageBarrier();
  workgroupBarrier();
  // Comparisons with NaN are false, so its lines were not turned.
  if (atomicLoad(&moved) != 0u) {
    for (var at = local; at < n * m && is_inside; at += 64u) { w[base + at] = math_nan(); }
    for (var at = local; at < n * n && is_inside; at += 64u) { v[square + at] = math_nan(); }
    for (var at = local; at < n && is_inside; at += 64u) { lengths[z * n + at] = math_nan(); }
  }
}
