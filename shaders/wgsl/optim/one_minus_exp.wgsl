// optim.one_minus_exp: 1 - beta^t as 1 - exp(t ln beta), without the cancellation that 1 - 0.999 has in f32.
// Include only.

// 1 - exp(x) for x <= 0
fn one_minus_exp(x: f32) -> f32 {
  if (x < -0.5) { return 1.0 - exp(x); }
  var sum = 1.0;
#for i in 9
  sum = 1.0 + sum * x / ${10 - i}.0;
#endfor
  return -x * sum;
}
