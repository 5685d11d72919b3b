// jacobi: units, pairs and rotations of Jacobi's methods. Included after math.base.wgsl by kernels with workgroups of 64 threads.
// Include only.
var<workgroup> largest_of: array<f32, 64>;
// What the elements of a matrix are measured in, from the largest one that each thread has seen: 1, but the largest of all where squares of elements would
// overflow or vanish.
fn unit_of(local: u32, largest: f32) -> f32 {
  largest_of[local] = largest;
  for (var half = 32u; half > 0u; half = half / 2u) {
    workgroupBarrier();
    if (local < half) { largest_of[local] = max(largest_of[local], largest_of[local + half]); }
  }
  workgroupBarrier();
  let most = largest_of[0];
  return select(1.0, most, math_is_finite(most) && most > 0.0 && (most < 1.0e-12 || most > 1.0e12));
}
// Pair `index` of `round` of a tournament of an even number of players: each meets each other once in players - 1 rounds, all pairs of a round are disjoint.
fn pair_of(index: u32, round: u32, players: u32) -> vec2<u32> {
  let circle = players - 1u;
  let one = select((round + index) % circle, circle, index == 0u);
  let other = (round + circle - index) % circle;
  return vec2<u32>(min(one, other), max(one, other));
}
// Cosine and sine of the rotation that makes [[x, z], [z, y]] diagonal, the smaller one.
fn rotation_of(x: f32, y: f32, z: f32) -> vec2<f32> {
  let tau = (y - x) / (2.0 * z);
  // Beyond 1e15 its square would not change the sum, or overflow.
  let t = select(sign(tau) / (abs(tau) + sqrt(1.0 + tau * tau)), 0.5 / tau, abs(tau) > 1.0e15);
  let tangent = select(t, 1.0, tau == 0.0);
  let cosine = 1.0 / sqrt(1.0 + tangent * tangent);
  return vec2<f32>(cosine, tangent * cosine);
}
