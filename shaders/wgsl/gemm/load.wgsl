// gemm.load: the operands of the gemm family and the share of a workgroup.
//
// a, b and c are strided views: element (z, i, k) of a is a_offset + sum(z_d * a_batch_d) + i * a_row + k * a_col. A stride 0
// broadcasts and strides wrap modulo 2^32, so transposes, batch broadcasting, expanded and reversed views need no code of their own.
// Defines
//   TA TB  storage types "f32" | "f16"; sums are f32
//   VA  "k": vec4 loads along k (a_col = 1), "m": vec4 along m (a_row = 1), "s": scalar loads at any strides
//   VB  "k": vec4 loads along k (b_row = 1), "n": vec4 along n (b_col = 1), "v": either, as params.b_along_n says, "s": scalar loads at any strides
//   TAIL 1: k is no multiple of 4, loads beyond it give 0
// Vector loads ask for offsets and the other strides in multiples of 4. Rows, columns and k beyond the edge are clamped on
// load, never skipped: all lanes stay active for subgroup operations. What lies behind an edge inside a vec4 (up to 3 elements,
// in the buffer since buffers are multiples of 16 bytes) reaches only sums that are not stored.
// Include only.
#include "gemm/common.wgsl"

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
// The block of work of one workgroup: tile (row, column), batch offsets, range of k.
struct Work {
  tile_m: u32,
  tile_n: u32,
  a_base: u32,
  b_base: u32,
  c_base: u32,
  k_begin: u32,
  k_end: u32,
}

// Work of workgroup `index`, counted columns first, then rows, batches and splits of k; on CPU adapters rows first: the workgroups that
// run one after another read the same columns of b from a core's own cache.
fn work_of(index: u32) -> Work {
#if CPU
  let above = index / params.tiles_m;
  let slab = above / params.tiles_n;
#else
  let above = index / params.tiles_n;
  let slab = above / params.tiles_m;
#endif
  let split = slab / params.batches;
  let z = slab - split * params.batches;
  var work: Work;
#if CPU
  work.tile_m = index - above * params.tiles_m;
  work.tile_n = above - slab * params.tiles_n;
#else
  work.tile_n = index - above * params.tiles_n;
  work.tile_m = above - slab * params.tiles_m;
#endif
  work.a_base = params.a_offset + batch_offset(z, params.a_batch);
  work.b_base = params.b_offset + batch_offset(z, params.b_batch);
  work.c_base = split * params.c_split + batch_offset(z, params.c_batch);
  work.k_begin = split * params.k_chunk;
  work.k_end = min(params.k, work.k_begin + params.k_chunk);
  return work;
}

fn work_count() -> u32 {
  return params.tiles_n * params.tiles_m * params.batches * params.splits;
}

#if TAIL && VA != "m"
// Four values along k of which those at or beyond k_end become 0 (the buffer may hold anything there, a NaN too).
fn keep4(x: vec4<f32>, k: u32, k_end: u32) -> vec4<f32> {
  return select(vec4<f32>(0.0), x, vec4<u32>(k, k + 1u, k + 2u, k + 3u) < vec4<u32>(k_end));
}
#endif

// What a loop along k need not compute again: where a line of an operand lies at k = 0.
// VA "k", "s": row `row` of a; "m": rows row .. row + 3, for a row that is a multiple of 4.
fn line_a(base: u32, row: u32) -> u32 {
#if VA == "m"
  return base + min(row, (params.m - 1u) & 0xfffffffcu);
#else
  return base + min(row, params.m - 1u) * params.a_row;
#endif
}

// VB "k", "s": columns col .. col + 3 of b; "n": its rows 0 .. 3 from column col on, a multiple of 4.
fn lines_b(base: u32, col: u32) -> vec4<u32> {
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
// a[row .. row + 3, k] of a line.
fn load_a(line: u32, k: u32, k_end: u32) -> vec4<f32> {
#if TAIL
  let x = a_at((line + min(k, k_end - 1u) * params.a_col) / 4u);
  return select(vec4<f32>(0.0), x, k < k_end);
#else
  return a_at((line + k * params.a_col) / 4u);
#endif
}
#else
// a[row, k .. k + 3] of a line.
fn load_a(line: u32, k: u32, k_end: u32) -> vec4<f32> {
#if VA == "k"
  let x = a_at((line + k) / 4u);
#elif TAIL
  let k4 = min(vec4<u32>(k, k + 1u, k + 2u, k + 3u), vec4<u32>(k_end - 1u)) * params.a_col + line;
  let x = vec4<f32>(f32(a[k4.x]), f32(a[k4.y]), f32(a[k4.z]), f32(a[k4.w]));
#else
  let k4 = vec4<u32>(k, k + 1u, k + 2u, k + 3u) * params.a_col + line;
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
// a[row, k] of a line.
fn load_a1(line: u32, k: u32, k_end: u32) -> f32 {
#if TAIL
  return select(0.0, f32(a[line + min(k, k_end - 1u) * params.a_col]), k < k_end);
#else
  return f32(a[line + k * params.a_col]);
#endif
}
#endif

// b[k + u, col .. col + 3] of four lines for u = 0..3, one vector a column of the result.
fn load_b(lines: vec4<u32>, k: u32, k_end: u32) -> mat4x4<f32> {
#if VB == "s"
#for j in 4
#if TAIL
  let k4_${j} = min(vec4<u32>(k, k + 1u, k + 2u, k + 3u), vec4<u32>(k_end - 1u)) * params.b_row + lines[${j}];
#else
  let k4_${j} = vec4<u32>(k, k + 1u, k + 2u, k + 3u) * params.b_row + lines[${j}];
#endif
  let x${j} = vec4<f32>(f32(b[k4_${j}.x]), f32(b[k4_${j}.y]), f32(b[k4_${j}.z]), f32(b[k4_${j}.w]));
#endfor
#else
#if VB == "v"
  let along_n = params.b_along_n == 1u;
  let at = lines + select(k, k * params.b_row, along_n);
#elif VB == "n"
  let at = lines + k * params.b_row;
#else
  let at = lines + k;
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
