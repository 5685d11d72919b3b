// norm.parameters: gradients of a norm's weight and bias, sums over rows: dweight = sum(grad * (x - mean) * rstd), dbias = sum(grad).
// No atomics: `rows_per_chunk` rows go into partials [chunks, 2, width] in f32, which gemm/columns.wgsl sums. Neighbouring threads take
// neighbouring columns. RMS norm (CENTERED 0) has mean 0. x is of type T, grad of type G.
// Compile: T=f32 G=f32 CENTERED=1 | T=f32 G=f16 CENTERED=0 | T=f16 G=f16 CENTERED=0
#if T == "f16" || G == "f16"
enable f16;
#endif

struct Params {
  width: u32,
  chunks: u32,
  rows: u32,
  rows_per_chunk: u32,
  x_offset: u32,
  x_stride: u32,
  grad_offset: u32,
  grad_stride: u32,
  stats_offset: u32,
#if CENTERED
  moments_offset: u32,
#endif
}

@group(0) @binding(0) var<storage, read> x: array<${T}>;
@group(0) @binding(1) var<storage, read> grad: array<${G}>;
#if CENTERED
@group(0) @binding(2) var<storage, read> moments: array<f32>;
#endif
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let thread = (wid.x + wid.y * groups.x) * 64u + local;
  let column = thread % params.width;
  let chunk = thread / params.width;
  if (chunk >= params.chunks) { return; }
  let end = min((chunk + 1u) * params.rows_per_chunk, params.rows);
  var dweight = 0.0;
  var dbias = 0.0;
  for (var row = chunk * params.rows_per_chunk; row < end; row++) {
    let g = f32(grad[params.grad_offset + row * params.grad_stride + column]);
#if CENTERED
    let from_mean = f32(x[params.x_offset + row * params.x_stride + column]) - moments[params.moments_offset + row];
    let centered = from_mean - moments[params.moments_offset + params.rows + row];
#else
    let centered = f32(x[params.x_offset + row * params.x_stride + column]);
#endif
    dweight += g * (centered * rstd[params.stats_offset + row]);
    dbias += g;
  }
  partials[2u * chunk * params.width + column] = dweight;
  partials[(2u * chunk + 1u) * params.width + column] = dbias;
}
