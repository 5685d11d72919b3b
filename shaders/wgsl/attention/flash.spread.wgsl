// Shared by the flash attention kernels: INTO, 4 rows by columns tx + 8 c of the head dimension, += its rows of `factors` times the staged rows, of which
// `quads` times four count.
// Include only.
    for (var t = 0u; t < quads; t++) {
#for i in 4
      let f${i} = factors[4u * ty + ${i}u][t];
#endfor
#for j in 4
#for c in DEPTH / 8
      {
        let y = staged[4u * t + ${j}u][(tx + ${8 * c}u) ^ t];
#for i in 4
        ${INTO}${i}_${c} = fma(vec4<f32>(f${i}.${"xyzw"[j]}), y, ${INTO}${i}_${c});
#endfor
      }
#endfor
#endfor
    }
