// reduce.params: what reductions along one stride share: outputs from sizes and strides of the kept dimensions, and chunks of what is reduced.
// Include only.
struct Params {
  outputs: u32,
  chunks: u32,
  chunk: u32,
  length: u32,
  offset: u32,
  stride: u32,
  n: f32, // what a result may be divided by
  pad: u32,
  shape: array<vec4<u32>, 2>,
  strides: array<vec4<u32>, 2>,
}
