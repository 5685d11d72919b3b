// Shared by the attention kernels: writes row `row` of `count`, row i of eight from FIRST on: the sums INTO times SCALE, to TARGET where params.INTO says.
// Include only.
      {
#for c in COLUMNS
        let part${c} = pickSlice(i, ${INTO}${FIRST}_${c}, ${INTO}${FIRST + 1}_${c}, ${INTO}${FIRST + 2}_${c}, ${INTO}${FIRST + 3}_${c}, ${INTO}${FIRST + 4}_${c}, ${INTO}${FIRST + 5}_${c}, ${INTO}${FIRST + 6}_${c}, ${INTO}${FIRST + 7}_${c});
#endfor
        let base = params.${INTO}.x + batch * params.${INTO}.y + (start + row) * params.${INTO}.z + head * params.${INTO}.w;
#for c in COLUMNS
#if c >= LOWER
        if (row < count && column${c} < params.depth * ${QUADS}u && params.apart == 0u) {
          ${TARGET}[base + column${c}] = narrow(${SCALE} * part${c});
        }
#else
        if (row < count && column${c} < params.depth * ${QUADS}u) {
#if HALVES == 2
          ${TARGET}[base + column${c}] = narrow(${SCALE} * (part${c} + select(vec${SLICE}<f32>(), part${c + LOWER}, params.apart == 1u)));
#else
          ${TARGET}[base + column${c}] = narrow(${SCALE} * part${c});
#endif
        }
#endif
#endfor
      }
