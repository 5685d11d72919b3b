// Shared by the subgroup attention kernels: INTO += FACTORS x SOURCE for one step of keys, the second product of attention. FACTORS (s: what each
// lane made of its own KEYS keys, or `handed` in workgroup memory) turn from lanes that hold keys to lanes that hold slices of the head
// dimension: a lane's values are handed to all others in turn, and meet the rows of SOURCE, k or v, behind those of the prefix.
// Include only.
#if TILE
    workgroupBarrier();
#endif
    let turns = min(${LANES}u, (limit - keyStart + ${KEYS - 1}u) / ${KEYS}u);
    for (var turn = 0u; turn < turns; turn++) {
#for t in KEYS
      let other${t} = min(keyStart + turn * ${KEYS}u + ${t}u, keys - 1u);
#for c in COLUMNS
#if PREFIX && EAGER
      let row${t}_${c} = slice(select(
        widen(${SOURCE}[${SOURCE}Base + (max(other${t}, shift) - shift) * params.${SOURCE}.z + quad${c}]),
        widen(prefix[${PREFIXED}Base + min(other${t}, shift - 1u) * params.${PREFIXED}.z + quad${c}]),
        other${t} < shift), lane);
#elif PREFIX
      var row${t}_${c}: vec${SLICE}<f32>;
      if (other${t} < shift) {
        row${t}_${c} = slice(widen(prefix[${PREFIXED}Base + other${t} * params.${PREFIXED}.z + quad${c}]), lane);
      } else {
        row${t}_${c} = slice(widen(${SOURCE}[${SOURCE}Base + (other${t} - shift) * params.${SOURCE}.z + quad${c}]), lane);
      }
#else
      let row${t}_${c} = slice(widen(${SOURCE}[${SOURCE}Base + other${t} * params.${SOURCE}.z + quad${c}]), lane);
#endif
#endfor
#endfor
#for i in ROWS
      {
#for t in KEYS
#if TILE
        let factor${t} = handed[${(i * KEYS + t) * LANES}u + turn];
#else
        let factor${t} = subgroupShuffle(s${i}_${t}, turn);
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
#if TILE
    workgroupBarrier(); // the next step overwrites what was handed over
#endif
