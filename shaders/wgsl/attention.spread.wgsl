// Shared by the attention kernels: INTO += FACTOR x SOURCE for one step, the second product of attention. FACTOR (what each lane made of its own KEYS
// rows, or `handed` from HANDED on in workgroup memory) turns from lanes that hold rows to lanes that hold slices of the head dimension: a lane's
// values are handed to all others in turn, and meet the rows of SOURCE, behind those of the prefix.
// Rows of the block go in groups of 8, and a group behind the last row (count) is skipped.
// Include only.
    {
      let turns = min(${LANES}u, (limit - step + ${KEYS - 1}u) / ${KEYS}u);
      for (var turn = 0u; turn < turns; turn += 1u + params.apart) {
#for h in HALVES
        let turn${h} = turn + ${h}u * params.apart;
#for t in KEYS
        let other${t}_${h} = min(step + turn${h} * ${KEYS}u + ${t}u, limit - 1u);
#for c in h * LOWER..h * LOWER + LOWER
#if !PREFIX
        let row${t}_${c} = slice(widen(${SOURCE}[${SOURCE}Base + other${t}_${h} * params.${SOURCE}.z + quad${c}]), lane);
#elif EAGER
        let row${t}_${c} = slice(select(
          widen(${SOURCE}[${SOURCE}Base + (max(other${t}_${h}, shift) - shift) * params.${SOURCE}.z + quad${c}]),
          widen(prefix[${PREFIXED}Base + min(other${t}_${h}, shift - 1u) * params.${PREFIXED}.z + quad${c}]),
          other${t}_${h} < shift), lane);
#else
        var row${t}_${c}: vec${SLICE}<f32>;
        if (other${t}_${h} < shift) {
          row${t}_${c} = slice(widen(prefix[${PREFIXED}Base + other${t}_${h} * params.${PREFIXED}.z + quad${c}]), lane);
        } else {
          row${t}_${c} = slice(widen(${SOURCE}[${SOURCE}Base + (other${t}_${h} - shift) * params.${SOURCE}.z + quad${c}]), lane);
        }
#endif
#endfor
#endfor
#endfor
#for g in ROWS / 8
        ${g > 0 ? "if (rowStart + " : ""}${g > 0 ? 8 * g : ""}${g > 0 ? "u < count) {" : "{"}
#for i in 8 * g..8 * g + 8
          {
#for h in HALVES
#for t in KEYS
#if TILE
          let factor${t}_${h} = handed[${HANDED + (i * KEYS + t) * LANES}u + turn${h}];
#else
          let factor${t}_${h} = subgroupShuffle(${FACTOR}${i}_${t}, turn${h});
#endif
#endfor
#for c in h * LOWER..h * LOWER + LOWER
#for t in KEYS
          ${INTO}${i}_${c} += factor${t}_${h} * row${t}_${c};
#endfor
#endfor
#endfor
          }
#endfor
        }
#endfor
      }
    }
