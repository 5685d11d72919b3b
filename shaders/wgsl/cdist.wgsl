// cdist: Euclidean distances between the rows of a [B, M, D] and of b [B, N, D], and their gradient. All contiguous, at any offset.
// PASS "forward": y[B, M, N] = |a_i - b_j|, one thread a distance. PASS "gradient": y[B, M, D] = sum over j of grad_ij / dist_ij * (a_i - b_j),
// one thread an element; grad and dist are walked by `row` and `column`, so that swapped operands and strides give the gradient of b.
// Numerics: f32; differences are squared as they are (|a|^2 + |b|^2 - 2ab would cancel), distance 0 passes no gradient.
// Compile: T=f32 PASS=forward | T=f32 PASS=gradient | T=f16 PASS=gradient
#if T == "f16"
enable f16;
#endif
struct Params {
  batches: u32,
  m: u32,
  n: u32,
  d: u32,
  a_offset: u32,
  b_offset: u32,
#if PASS == "gradient"
  grad_offset: u32,
  dist_offset: u32,
  row: u32,
  column: u32,
#endif
}
@group(0) @binding(0) var<storage, read> a: array<${T}>;
@group(0) @binding(1) var<storage, read> b: array<${T}>;
@group(0) @binding(2) var<storage, read_write> y: array<${T}>;
@group(0) @binding(3) var<uniform> params: Params;
#if PASS == "gradient"
@group(0) @binding(4) var<storage, read> grad: array<${T}>;
@group(0) @binding(5) var<storage, read> dist: array<${T}>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let at = (wid.x + wid.y * groups.x) * 64u + local;
#if PASS == "forward"
  if (at >= params.batches * params.m * params.n) { return; }
  let line = at / params.n;
  let a_row = params.a_offset + line * params.d;
  let b_row = params.b_offset + ((line / params.m) * params.n + at % params.n) * params.d;
  var sum = 0.0;
  for (var k = 0u; k < params.d; k++) {
    let gap = f32(a[a_row + k]) - f32(b[b_row + k]);
    sum += gap * gap;
  }
  var unit = 1.0;
  // Squares that leave f32 are summed again in another unit, a power of two.
  if (sum < 0x1p-80 || sum > 0x1p120) {
    unit = select(0x1p96, 0x1p-96, sum > 1.0);
    sum = 0.0;
    for (var k = 0u; k < params.d; k++) {
      let gap = (f32(a[a_row + k]) - f32(b[b_row + k])) * unit;
      sum += gap * gap;
    }
  }
  y[at] = ${T}(sqrt(sum) / unit);
#else
  if (at >= params.batches * params.m * params.d) { return; }
  let line = at / params.d;
  let batch = line / params.m;
  let here = f32(a[params.a_offset + at]);
  let b_first = params.b_offset + batch * params.n * params.d + at % params.d;
  let first = batch * params.m * params.n + (line % params.m) * params.row;
  var sum = 0.0;
  for (var j = 0u; j < params.n; j++) {
    let length = f32(dist[params.dist_offset + first + j * params.column]);
    let share = f32(grad[params.grad_offset + first + j * params.column]) / select(length, 1.0, length == 0.0);
    sum += share * (here - f32(b[b_first + j * params.d]));
  }
  y[at] = ${T}(sum);
#endif
}
