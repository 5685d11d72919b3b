// gemm.operands: loads of a and b, for kernels that keep sums in registers. Needs gemm/params.wgsl.
//
// Defines
//   TA TB  storage types "f32" | "f16"; sums are f32
//   VA  "k": vec4 loads along k (a_col = 1), "m": vec4 along m (a_row = 1), "s": scalar loads at any strides
//   VB  "k": vec4 loads along k (b_row = 1), "n": vec4 along n (b_col = 1), "v": either, as params.b_along_n says, "s": scalar loads at any strides
//   TAIL 1: k is no multiple of 4, loads beyond it give 0
// Vector loads require offsets and the other strides in multiples of 4. Rows, columns and k beyond the edge are clamped on
// load, never skipped: all lanes stay active for subgroup operations. What lies beyond an edge inside a vec4 (up to 3 elements,
// in the buffer since buffers are multiples of 16 bytes) reaches only sums that are not stored.
// Include only.

// The accessors of a and b are one template: WGSL cannot pass a storage array to a function.
#for x in 2
#let NAME = x == 0 ? "a" : "b"
#let T = x == 0 ? TA : TB
#let MODE = x == 0 ? VA : VB
#if MODE == "s"
@group(0) @binding(${x + 1}) var<storage, read> ${NAME}: array<${T}>;
#elif T == "f16" && CPU
// A load costs by its scalars there, so two halves come as one word.
@group(0) @binding(${x + 1}) var<storage, read> ${NAME}: array<vec2<u32>>;
fn ${NAME}_at(i: u32) -> vec4<f32> { let pair = ${NAME}[i]; return vec4<f32>(unpack2x16float(pair.x), unpack2x16float(pair.y)); }
#else
@group(0) @binding(${x + 1}) var<storage, read> ${NAME}: array<vec4<${T}>>;
fn ${NAME}_at(i: u32) -> vec4<f32> { return vec4<f32>(${NAME}[i]); }
#endif
#endfor

#if TAIL && VA != "m"
// Four values along k of which those at or beyond k_end become 0 (the buffer may hold anything there, a NaN too).
fn keep4(x: vec4<f32>, k: u32, k_end: u32) -> vec4<f32> {
  return select(vec4<f32>(0.0), x, vec4<u32>(k, k + 1u, k + 2u, k + 3u) < vec4<u32>(k_end));
}
#endif

// The part of an address that is constant along k: the offset at k = 0 of row `row` of a; VA "m": of rows row .. row + 3, for a row that is a multiple of 4.
fn a_row_offset(base: u32, row: u32) -> u32 {
#if VA == "m"
  return base + min(row, (params.m - 1u) & 0xfffffffcu);
#else
  return base + min(row, params.m - 1u) * params.a_row;
#endif
}

// The offsets at k = 0 of columns col .. col + 3 of b; VB "n": of its rows 0 .. 3 from column col on, a multiple of 4.
fn b_column_offsets(base: u32, col: u32) -> vec4<u32> {
  let four = vec4<u32>(0u, 1u, 2u, 3u);
#if VB == "n" || VB == "v"
  let rows = base + min(col, (params.n - 1u) & 0xfffffffcu) + four * params.b_row;
#endif
#if VB != "n"
  let columns = base + min(col + four, vec4<u32>(params.n - 1u)) * params.b_col;
#endif
#if VB == "n"
  return rows;
#elif VB == "v"
  return select(columns, rows, params.b_along_n == 1u);
#else
  return columns;
#endif
}

#if VA == "m"
// a[row .. row + 3, k] from the offset of its row.
fn load_a(row_offset: u32, k: u32, k_end: u32) -> vec4<f32> {
#if TAIL
  let x = a_at((row_offset + min(k, k_end - 1u) * params.a_col) / 4u);
  return select(vec4<f32>(0.0), x, k < k_end);
#else
  return a_at((row_offset + k * params.a_col) / 4u);
#endif
}
#else
// a[row, k .. k + 3] from the offset of its row.
fn load_a(row_offset: u32, k: u32, k_end: u32) -> vec4<f32> {
#if VA == "k"
  let x = a_at((row_offset + k) / 4u);
#elif TAIL
  let k4 = min(vec4<u32>(k, k + 1u, k + 2u, k + 3u), vec4<u32>(k_end - 1u)) * params.a_col + row_offset;
  let x = vec4<f32>(f32(a[k4.x]), f32(a[k4.y]), f32(a[k4.z]), f32(a[k4.w]));
#else
  let k4 = vec4<u32>(k, k + 1u, k + 2u, k + 3u) * params.a_col + row_offset;
  let x = vec4<f32>(f32(a[k4.x]), f32(a[k4.y]), f32(a[k4.z]), f32(a[k4.w]));
#endif
#if TAIL
  return keep4(x, k, k_end);
#else
  return x;
#endif
}
#endif

#if VA == "s"
// a[row, k] from the offset of its row.
fn load_a1(row_offset: u32, k: u32, k_end: u32) -> f32 {
#if TAIL
  return select(0.0, f32(a[row_offset + min(k, k_end - 1u) * params.a_col]), k < k_end);
#else
  return f32(a[row_offset + k * params.a_col]);
#endif
}
#endif

// b[k + u, col .. col + 3] for u = 0..3 from the offsets of its columns: vector u is the row of b at k + u.
fn load_b(offsets: vec4<u32>, k: u32, k_end: u32) -> mat4x4<f32> {
#if VB == "s"
#for j in 4
#if TAIL
  let k4_${j} = min(vec4<u32>(k, k + 1u, k + 2u, k + 3u), vec4<u32>(k_end - 1u)) * params.b_row + offsets[${j}];
#else
  let k4_${j} = vec4<u32>(k, k + 1u, k + 2u, k + 3u) * params.b_row + offsets[${j}];
#endif
  let x${j} = vec4<f32>(f32(b[k4_${j}.x]), f32(b[k4_${j}.y]), f32(b[k4_${j}.z]), f32(b[k4_${j}.w]));
#endfor
#else
#if VB == "v"
  let along_n = params.b_along_n == 1u;
  let at = offsets + select(k, k * params.b_row, along_n);
#elif VB == "n"
  let at = offsets + k * params.b_row;
#else
  let at = offsets + k;
#endif
#for i in 4
#if TAIL && VB == "n"
  let x${i} = b_at(select(at.x, at[${i}], k + ${i}u < k_end) / 4u);
#elif TAIL && VB == "v"
  let x${i} = b_at(select(at[${i}], at.x, along_n && k + ${i}u >= k_end) / 4u);
#else
  let x${i} = b_at(at[${i}] / 4u);
#endif
#endfor
#endif
  return mat4x4<f32>(
#for u in 4
#let U = "xyzw"[u]
#let COLUMNS = "vec4<f32>(x0." + U + ", x1." + U + ", x2." + U + ", x3." + U + ")"
#let X = VB == "n" ? "x" + u : VB == "v" ? "select(" + COLUMNS + ", x" + u + ", along_n)" : COLUMNS
#if TAIL
    select(vec4<f32>(0.0), ${X}, k + ${u}u < k_end),
#else
    ${X},
#endif
#endfor
  );
}
