// integer_matmul: y[z, i, j] = alpha * sum over p of a[z, i, p] * b[z, p, j], modulo 2^32. y contiguous, a and b by strides, z over at most 8
// dimensions. One thread an element of y; integer sums do not depend on their order.
// Compile: T=i32 | T=u32
struct Params {
  count: u32,
  m: u32,
  n: u32,
  k: u32,
  a_offset: u32,
  a_row: u32,
  a_column: u32,
  b_offset: u32,
  b_row: u32,
  b_column: u32,
  alpha: ${T},
  shape: array<vec4<u32>, 2>,
  a_strides: array<vec4<u32>, 2>,
  b_strides: array<vec4<u32>, 2>,
}
@group(0) @binding(0) var<storage, read> a: array<${T}>;
@group(0) @binding(1) var<storage, read> b: array<${T}>;
@group(0) @binding(2) var<storage, read_write> y: array<${T}>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count) { return; }
  let column = index % params.n;
  let row = index / params.n % params.m;
  var rest = index / params.n / params.m;
  var left = params.a_offset + row * params.a_row;
  var right = params.b_offset + column * params.b_column;
#let AT = "left"
#let STRIDES = "a_strides"
#let WALK_TWO = 1
#let AT_TWO = "right"
#let STRIDES_TWO = "b_strides"
#include "index.walk.wgsl"
  var sum = ${T}(0);
  for (var p = 0u; p < params.k; p++) {
    sum += a[left] * b[right];
    left += params.a_column;
    right += params.b_row;
  }
  y[index] = params.alpha * sum;
}
