// philox: the generator Philox4x32-10 (Salmon and others, SC11), and uniform and normal numbers of its words. Needs math.base and math.angle.
// Include only.
fn philox(counter: vec4<u32>, seed: vec2<u32>) -> vec4<u32> {
  var c = counter;
  var k = seed;
  for (var round = 0; round < 10; round++) {
    let high0 = math_mul_high(0xd2511f53u, c.x);
    let high1 = math_mul_high(0xcd9e8d57u, c.z);
    c = vec4<u32>(high1 ^ c.y ^ k.x, 0xcd9e8d57u * c.z, high0 ^ c.w ^ k.y, 0xd2511f53u * c.x);
    k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}
fn uniform_of(word: u32) -> f32 { return f32(word >> 8u) * 5.9604644775390625e-8; }
// In (0, 1), with 23 bits: never 0 nor 1.
fn open_uniform_of(word: u32) -> f32 { return (f32(word >> 9u) + 0.5) * 1.1920928955078125e-7; }
// Box and Muller; the angle is 2 pi v, its quadrant split off exactly.
fn normal_pair(first: u32, second: u32) -> vec2<f32> {
  let radius = sqrt(-2.0 * math_log(1.0 - uniform_of(first)));
  let turns = uniform_of(second) * 4.0;
  let quadrant = floor(turns + 0.5);
  let angle = math_Angle((turns - quadrant) * 1.5707963267948966, i32(quadrant));
  return radius * vec2<f32>(math_sin_of_angle(angle, 1), math_sin_of_angle(angle, 0));
}
