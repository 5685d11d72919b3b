// reduce.params: parameters of reductions along one stride: outputs from sizes and strides of the kept dimensions, and chunks of what is reduced.
// Include only.
struct Params {
  outputs: u32,
  chunks: u32,
  chunk: u32,
  length: u32,
  offset: u32,
  stride: u32,
  n: f32, // the divisor of a mean or variance
  count: f32, // elements of an output
  shape: array<vec4<u32>, 2>,
  strides: array<vec4<u32>, 2>,
}
