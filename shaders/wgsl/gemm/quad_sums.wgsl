// gemm.quad_sums: 4 x 4 sums of an invocation, for gemm.plain and gemm.dot. Needs gemm/operands.wgsl.
// Include only.

// Rows row .. row + 3 of a times columns col .. col + 3 of b, a vector a row, over the steps of 4 along k from k_first on, every k_step.
fn quad_sums(a_base: u32, b_base: u32, row: u32, col: u32, k_first: u32, k_step: u32, k_end: u32) -> array<vec4<f32>, 4> {
#for i in 4
  var s${i} = vec4<f32>();
#endfor
  let b_offsets = b_column_offsets(b_base, col);
#if VA == "m"
  let a_offset = a_row_offset(a_base, row);
#else
#for t in 4
  let a_offset${t} = a_row_offset(a_base, row + ${t}u);
#endfor
#endif
  for (var k = k_first; k < k_end; k += k_step) {
    let b4 = load_b(b_offsets, k, k_end);
#for t in 4
#if VA == "m"
    let a${t} = load_a(a_offset, k + ${t}u, k_end);
#else
    let a${t} = load_a(a_offset${t}, k, k_end);
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
  return array<vec4<f32>, 4>(s0, s1, s2, s3);
}
