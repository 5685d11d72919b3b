// jacobi: pairs and rotations of Jacobi's methods.
// Include only.
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
