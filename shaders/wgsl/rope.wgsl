// rope: rotary position embedding. Row r of x [R, H, D] has row r % rows of the table: pair i of its first `width` elements turns by the angle whose cosine
// and sine are elements i and width / 2 + i of that row; other elements pass.
//
// Layout   x and table contiguous, at any offset; table f32 [positions, width]. Pairs are elements i and width / 2 + i, or neighbours (INTERLEAVED).
// Tiling   one thread an element of y. Numerics: f32. A direction of -1 turns back, which is the gradient.
// Compile: T=f32 INTERLEAVED=0 | T=f16 INTERLEAVED=1
#if T == "f16"
enable f16;
#endif
struct Params {
  count: u32,
  x_offset: u32,
  table_offset: u32,
  rows: u32,       // of a sequence
  heads: u32,
  depth: u32,
  width: u32,      // elements that turn
  direction: f32,  // 1, or -1
}

@group(0) @binding(0) var<storage, read> x: array<${T}>;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<${T}>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count) { return; }
  let e = index % params.depth;
  let row = (index / (params.depth * params.heads)) % params.rows;
  let half_width = params.width / 2u;
#if INTERLEAVED
  let is_second = e % 2u == 1u;
  let pair = min(e / 2u, half_width - 1u);
  let partner = select(index + 1u, index - 1u, is_second);
#else
  let is_second = e >= half_width;
  let pair = select(e, e - half_width, is_second) % half_width;
  let partner = select(index + half_width, index - half_width, is_second);
#endif
  let turns = e < params.width;
  let value = f32(x[params.x_offset + index]);
  let other = f32(x[params.x_offset + select(index, partner, turns)]);
  let at = params.table_offset + row * params.width + pair;
  let sine = params.direction * table[at + half_width];
  let turned = value * table[at] + select(-other, other, is_second) * sine;
  y[index] = ${T}(select(value, turned, turns));
}
