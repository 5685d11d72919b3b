// Shared by the subgroup attention kernels: reductions over the lanes of one subgroup, and the choice of one of eight registers.
// Built from shuffles with constant masks: one permute each on CPU adapters, where subgroupMax and subgroupAdd are slow scalar loops.
// Include only.
#if !TILE
fn laneMax(value: f32) -> f32 {
  var top = value;
#if SG > 1
  top = max(top, subgroupShuffleXor(top, 1u));
#endif
#if SG > 2
  top = max(top, subgroupShuffleXor(top, 2u));
#endif
#if SG > 4
  top = max(top, subgroupShuffleXor(top, 4u));
#endif
#if SG > 8
  top = max(top, subgroupShuffleXor(top, 8u));
#endif
#if SG > 16
  top = max(top, subgroupShuffleXor(top, 16u));
#endif
#if SG > 32
  top = max(top, subgroupShuffleXor(top, 32u));
#endif
  return top;
}

fn laneSum(value: f32) -> f32 {
  var total = value;
#if SG > 1
  total += subgroupShuffleXor(total, 1u);
#endif
#if SG > 2
  total += subgroupShuffleXor(total, 2u);
#endif
#if SG > 4
  total += subgroupShuffleXor(total, 4u);
#endif
#if SG > 8
  total += subgroupShuffleXor(total, 8u);
#endif
#if SG > 16
  total += subgroupShuffleXor(total, 16u);
#endif
#if SG > 32
  total += subgroupShuffleXor(total, 32u);
#endif
  return total;
}
#endif

// On lavapipe (8 lanes) a shuffle by a constant is one permute, while a broadcast is two and a masked move.
#let HAND_ON = SG == 8 ? "subgroupShuffle" : "subgroupBroadcast"

// The i-th of eight values: selects compile in no time, while every store site is a loop over the lanes on CPU adapters.
#for kind in 2
#let F = kind == 0 ? "f32" : SLICE == 2 ? "vec2<f32>" : "vec4<f32>"
fn ${kind == 0 ? "pick" : "pickSlice"}(i: u32, a: ${F}, b: ${F}, c: ${F}, d: ${F}, e: ${F}, f: ${F}, g: ${F}, h: ${F}) -> ${F} {
  let odd = (i & 1u) == 1u;
  let upper = (i & 2u) == 2u;
  let first = select(select(a, b, odd), select(c, d, odd), upper);
  return select(first, select(select(e, f, odd), select(g, h, odd), upper), i > 3u);
}
#endfor
