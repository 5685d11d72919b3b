// Shared by the flash attention kernels: INTO, 4 rows by 4 staged rows an invocation, is the product of its rows of the tile FROM with the staged ones over
// the head dimension.
// Include only.
#for i in 4
    var ${INTO}${i} = vec4<f32>();
#endfor
    for (var d = 0u; d < ${DEPTH}u; d++) {
      let at = d ^ tx;
#for j in 4
      let y${j} = staged[4u * tx + ${j}u][at];
#endfor
#for i in 4
      {
        let x = ${FROM}[4u * ty + ${i}u][d];
#for e in 4
        ${INTO}${i} = fma(vec4<f32>(x.${"xyzw"[e]}), vec4<f32>(y0.${"xyzw"[e]}, y1.${"xyzw"[e]}, y2.${"xyzw"[e]}, y3.${"xyzw"[e]}), ${INTO}${i});
#endfor
      }
#endfor
    }
