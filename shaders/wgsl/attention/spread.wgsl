// Shared by the attention kernels: INTO += FACTOR x SOURCE for one step, the second product of attention. FACTOR (what each lane made of its own KEYS
// rows, or `handed` from HANDED on in workgroup memory) turns from lanes that hold rows to lanes that hold slices of the head dimension: a lane's
// values are handed to all others in turn, and meet the rows of SOURCE, behind those of the prefix.
// Rows of the block go in groups of 8, and a group behind the last row (count) is skipped.
// Include only.
    {
      let turns = min(${LANES}u, (limit - step + ${KEYS - 1}u) / ${KEYS}u);
      for (var turn = 0u; turn < turns; turn += 1u + params.apart) {
        let mine = turn + side;
#for t in KEYS
        let other${t} = min(step + mine * ${KEYS}u + ${t}u, limit - 1u);
#for c in COLUMNS
#if !PREFIX
        let row${t}_${c} = slice(widen(${SOURCE}[${SOURCE}Base + other${t} * params.${SOURCE}.z + quad${c}]), lane);
#elif EAGER
        let row${t}_${c} = slice(select(
          widen(${SOURCE}[${SOURCE}Base + (max(other${t}, shift) - shift) * params.${SOURCE}.z + quad${c}]),
          widen(prefix[${PREFIXED}Base + min(other${t}, shift - 1u) * params.${PREFIXED}.z + quad${c}]),
          other${t} < shift), lane);
#else
        var row${t}_${c}: vec${SLICE}<f32>;
        if (other${t} < shift) {
          row${t}_${c} = slice(widen(prefix[${PREFIXED}Base + other${t} * params.${PREFIXED}.z + quad${c}]), lane);
        } else {
          row${t}_${c} = slice(widen(${SOURCE}[${SOURCE}Base + (other${t} - shift) * params.${SOURCE}.z + quad${c}]), lane);
        }
#endif
#endfor
#endfor
#for g in ROWS / 8
#let GROUP = g > 0 ? "if (rowStart + " + 8 * g + "u < count) {" : "{"
        ${GROUP}
#for i in 8 * g..8 * g + 8
          {
#for t in KEYS
#if TILE
            let factor${t} = handed[${HANDED + (i * KEYS + t) * LANES}u + mine];
#else
            let factor${t} = subgroupShuffle(${FACTOR}${i}_${t}, mine);
#endif
#endfor
#for c in COLUMNS
#for t in KEYS
            ${INTO}${i}_${c} += factor${t} * row${t}_${c};
#endfor
#endfor
          }
#endfor
        }
#endfor
      }
    }
