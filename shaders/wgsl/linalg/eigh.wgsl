// eigh: eigenvalues and eigenvectors of symmetric matrices by Jacobi's method, all disjoint pairs of a round at once. In place: w[z] (symmetric) becomes
// diagonal, the rows of v[z] the eigenvectors, not sorted. w, v [Z, N, N], turns [Z, ceil(N / 2), 2] contiguous; one workgroup a matrix. Ends after a sweep
// in which no element off the diagonal exceeded 1e-7 of the matrix' norm, at most after 15. All NaN where an element is not finite.
// Compile:
struct Params { matrices: u32, n: u32 }
@group(0) @binding(0) var<storage, read_write> w: array<f32>;
@group(0) @binding(1) var<storage, read_write> v: array<f32>;
@group(0) @binding(2) var<storage, read_write> turns: array<vec2<f32>>;
@group(0) @binding(3) var<uniform> params: Params;
#include "math.base.wgsl"
#include "linalg/jacobi.wgsl"
var<workgroup> partial: array<f32, 64>;
var<workgroup> moved: atomic<u32>;
var<workgroup> again: u32;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let z = min(wid.x + wid.y * groups.x, params.matrices - 1u);
  // Workgroups beyond the last matrix only keep up with the barriers.
  let is_inside = wid.x + wid.y * groups.x < params.matrices;
  let n = params.n;
  let base = z * n * n;
  let pairs = (n + 1u) / 2u;
  let players = 2u * pairs;
  var largest = 0.0;
  for (var at = local; at < n * n; at += 64u) { largest = max(largest, abs(w[base + at])); }
  let unit = unit_of(local, largest);
  var squares = 0.0;
  for (var at = local; at < n * n && is_inside; at += 64u) {
    let element = w[base + at] / unit;
    if (unit != 1.0) { w[base + at] = element; }
    squares += element * element;
    v[base + at] = select(0.0, 1.0, at / n == at % n);
  }
  partial[local] = squares;
  for (var half = 32u; half > 0u; half = half / 2u) {
    workgroupBarrier();
    if (local < half) { partial[local] += partial[local + half]; }
  }
  workgroupBarrier();
  let small = 1.0e-7 * sqrt(partial[0]);
  storageBarrier();
  for (var sweep = 0u; sweep < 15u; sweep++) {
    if (local == 0u) { atomicStore(&moved, 0u); }
    workgroupBarrier();
    for (var round = 0u; round < players - 1u; round++) {
      for (var index = local; index < pairs && is_inside; index += 64u) {
        let pair = pair_of(index, round, players);
        var turn = vec2<f32>(1.0, 0.0);
        if (pair.y < n) {
          let off = w[base + pair.x * n + pair.y];
          if (abs(off) > 0.01 * small) {
            turn = rotation_of(w[base + pair.x * n + pair.x], w[base + pair.y * n + pair.y], off);
          }
          if (abs(off) > small) { atomicStore(&moved, 1u); }
        }
        turns[z * pairs + index] = turn;
      }
      storageBarrier();
      for (var at = local; at < pairs * n && is_inside; at += 64u) {
        let pair = pair_of(at / n, round, players);
        if (pair.y < n) {
          let turn = turns[z * pairs + at / n];
          let x = base + pair.x * n + at % n;
          let y = base + pair.y * n + at % n;
          let a = w[x];
          let b = w[y];
          w[x] = turn.x * a - turn.y * b;
          w[y] = turn.y * a + turn.x * b;
          let c = v[x];
          let d = v[y];
          v[x] = turn.x * c - turn.y * d;
          v[y] = turn.y * c + turn.x * d;
        }
      }
      storageBarrier();
      for (var at = local; at < pairs * n && is_inside; at += 64u) {
        let pair = pair_of(at / n, round, players);
        if (pair.y < n) {
          let turn = turns[z * pairs + at / n];
          let x = base + at % n * n + pair.x;
          let y = base + at % n * n + pair.y;
          let a = w[x];
          let b = w[y];
          w[x] = turn.x * a - turn.y * b;
          w[y] = turn.y * a + turn.x * b;
        }
      }
      storageBarrier();
    }
    workgroupBarrier();
    if (local == 0u) { again = atomicLoad(&moved); }
    if (workgroupUniformLoad(&again) == 0u) { break; }
  }
  for (var at = local; at < n && is_inside; at += 64u) { w[base + at * (n + 1u)] *= unit; }
  // Comparisons with NaN are false, so nothing was turned.
  if (!math_is_finite(small)) {
    for (var at = local; at < n * n && is_inside; at += 64u) {
      w[base + at] = math_nan();
      v[base + at] = math_nan();
    }
  }
}
