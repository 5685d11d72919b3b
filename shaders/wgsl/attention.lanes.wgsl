// Shared by the subgroup attention kernels: reductions over the lanes of one subgroup, and the choice of one of four registers.
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

fn pick(i: u32, a: f32, b: f32, c: f32, d: f32) -> f32 {
  return select(select(a, b, i == 1u), select(c, d, i == 3u), i > 1u);
}

fn pickSlice(i: u32, a: vec${SLICE}<f32>, b: vec${SLICE}<f32>, c: vec${SLICE}<f32>, d: vec${SLICE}<f32>) -> vec${SLICE}<f32> {
  return select(select(a, b, i == 1u), select(c, d, i == 3u), i > 1u);
}
