// Subgroup operations of the attention kernels: reductions, and slices of the head dimension. A workgroup has LANES of them: one
// subgroup, or with TILE 32 invocations that exchange through workgroup memory.
// Include only.

// On lavapipe (8 lanes) a shuffle by a constant is one permute, while a broadcast is two and a masked move.
#let BROADCAST = SG == 8 ? "subgroupShuffle" : "subgroupBroadcast"

#if !TILE
// Shuffles with constant masks are one permute each on CPU adapters, where subgroupMax and subgroupAdd are slow scalar loops.
fn lane_max(value: f32) -> f32 {
  var most = value;
#let MASK = 1
#for step in 6
#if SG > MASK
  most = max(most, subgroupShuffleXor(most, ${MASK}u));
#endif
#let MASK = 2 * MASK
#endfor
  return most;
}

fn lane_sum(value: f32) -> f32 {
  var total = value;
#let MASK = 1
#for step in 6
#if SG > MASK
  total += subgroupShuffleXor(total, ${MASK}u);
#endif
#let MASK = 2 * MASK
#endfor
  return total;
}
#endif

// A lane keeps COLUMNS slices of SLICE elements of each row. A head that needs only half of the lanes is held twice (params.split = 1): the upper
// lanes keep the same slices as the lower ones, sum over every other row, and the two sums are added in the end. One pipeline serves both sizes,
// and no lane is idle. SwiftShader (4 lanes) takes minutes to compile the exchange; there, and with TILE, lanes may be idle.
#let CAN_SPLIT = !TILE && SG >= 8
#let SLICES = 4 / SLICE

// Which half of a split sum a lane forms.
fn side_of(lane: u32) -> u32 {
#if CAN_SPLIT
  return lane / (${LANES}u >> params.split);
#else
  return 0u;
#endif
}

// The number of a lane's c-th slice.
fn slice_of(lane: u32, c: u32) -> u32 {
#if CAN_SPLIT
  let lanes = ${LANES}u >> params.split;
  return lane % lanes + c * lanes;
#else
  return lane % ${LANES}u + c * ${LANES}u;
#endif
}

// The quad that holds slice number s. Wide subgroups on short heads split a quad between two lanes.
fn quad_of(s: u32) -> u32 {
  return min(s / ${SLICES}u, params.depth - 1u);
}

fn slice(value: vec4<f32>, lane: u32) -> vec${SLICE}<f32> {
#if SLICE == 4
  return value;
#else
  return select(value.xy, value.zw, (lane & 1u) == 1u);
#endif
}

// The sum of both halves, if split.
fn merge_split(value: vec${SLICE}<f32>) -> vec${SLICE}<f32> {
#if CAN_SPLIT
  return value + select(vec${SLICE}<f32>(), subgroupShuffleXor(value, ${LANES / 2}u), params.split == 1u);
#else
  return value;
#endif
}

// The i-th of eight values: selects compile in no time, while every store site is a loop over the lanes on CPU adapters.
#for kind in 2
#let F = kind == 0 ? "f32" : "vec" + SLICE + "<f32>"
fn ${kind == 0 ? "pick" : "pick_slice"}(i: u32, a: ${F}, b: ${F}, c: ${F}, d: ${F}, e: ${F}, f: ${F}, g: ${F}, h: ${F}) -> ${F} {
  let odd = (i & 1u) == 1u;
  let upper = (i & 2u) == 2u;
  let first = select(select(a, b, odd), select(c, d, odd), upper);
  return select(first, select(select(e, f, odd), select(g, h, odd), upper), i > 3u);
}
#endfor
