// gemm.quads: what gemm.plain and gemm.dot share: one invocation's 4 rows from `row` by 4 columns from `col`, summed into s0 .. s3 over the steps of 4
// along k that are its own, from K_FIRST on every K_STEP. In `main`; reads `work`.
// Include only.
#for i in 4
  var s${i} = vec4<f32>();
#endfor
  let lines = lines_b(work.b_base, col);
#if VA == "m"
  let line = line_a(work.a_base, row);
#else
#for t in 4
  let line${t} = line_a(work.a_base, row + ${t}u);
#endfor
#endif
  for (var k = ${K_FIRST}; k < work.k_end; k += ${K_STEP}u) {
    let b4 = load_b(lines, k, work.k_end);
#for t in 4
#if VA == "m"
    let a${t} = load_a(line, k + ${t}u, work.k_end);
#else
    let a${t} = load_a(line${t}, k, work.k_end);
#endif
#endfor
#for i in 4
#for u in 4
#if VA == "m"
    s${i} = fma(vec4<f32>(a${u}.${"xyzw"[i]}), b4[${u}], s${i});
#else
    s${i} = fma(vec4<f32>(a${i}.${"xyzw"[u]}), b4[${u}], s${i});
#endif
#endfor
#endfor
  }
