// Shared by the attention kernels: writes row `row` of `count`, row i of eight from FIRST on: the sums INTO times SCALE, to TARGET where params.INTO says.
// Include only.
      {
#for c in COLUMNS
        let part${c} = pickSlice(i, ${INTO}${FIRST}_${c}, ${INTO}${FIRST + 1}_${c}, ${INTO}${FIRST + 2}_${c}, ${INTO}${FIRST + 3}_${c}, ${INTO}${FIRST + 4}_${c}, ${INTO}${FIRST + 5}_${c}, ${INTO}${FIRST + 6}_${c}, ${INTO}${FIRST + 7}_${c});
#endfor
        let base = params.${INTO}.x + batch * params.${INTO}.y + (start + row) * params.${INTO}.z + head * params.${INTO}.w;
#for c in COLUMNS
#if !APART
        let whole${c} = part${c};
#else
        let whole${c} = part${c} + select(vec${SLICE}<f32>(), subgroupShuffleXor(part${c}, ${LANES / 2}u), params.apart == 1u);
#endif
        if (row < count && side == 0u && column${c} < params.depth * ${QUADS}u) {
          ${TARGET}[base + column${c}] = narrow(${SCALE} * whole${c});
        }
#endfor
      }
