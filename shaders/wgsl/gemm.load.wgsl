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
#include "gemm.common.wgsl"

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

#if TAIL
// Four values along k of which those at or beyond k_end become 0 (the buffer may hold anything there, a NaN too).
fn keep4(x: vec4<f32>, k: u32, k_end: u32) -> vec4<f32> {
  return select(vec4<f32>(0.0), x, vec4<u32>(k, k + 1u, k + 2u, k + 3u) < vec4<u32>(k_end));
}
#endif

#if VA == "m"
// a[row .. row + 3, k] for a row that is a multiple of 4.
fn load_a(base: u32, row: u32, k: u32, k_end: u32) -> vec4<f32> {
  let at = min(row, (params.m - 1u) & 0xfffffffcu);
#if TAIL
  let x = a_at((base + at + min(k, k_end - 1u) * params.a_col) / 4u);
  return select(vec4<f32>(0.0), x, k < k_end);
#else
  return a_at((base + at + k * params.a_col) / 4u);
#endif
}
#else
// a[row, k .. k + 3].
fn load_a(base: u32, row: u32, k: u32, k_end: u32) -> vec4<f32> {
  let at = base + min(row, params.m - 1u) * params.a_row;
#if VA == "k"
  let x = a_at((at + k) / 4u);
#elif TAIL
  let k4 = min(vec4<u32>(k, k + 1u, k + 2u, k + 3u), vec4<u32>(k_end - 1u)) * params.a_col + at;
  let x = vec4<f32>(f32(a[k4.x]), f32(a[k4.y]), f32(a[k4.z]), f32(a[k4.w]));
#else
  let k4 = vec4<u32>(k, k + 1u, k + 2u, k + 3u) * params.a_col + at;
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
// a[row, k].
fn load_a1(base: u32, row: u32, k: u32, k_end: u32) -> f32 {
#if TAIL
  let x = f32(a[base + min(row, params.m - 1u) * params.a_row + min(k, k_end - 1u) * params.a_col]);
  return select(0.0, x, k < k_end);
#else
  return f32(a[base + min(row, params.m - 1u) * params.a_row + k * params.a_col]);
#endif
}
#endif

// b[k + u, col .. col + 3] for u = 0..3, one vector a column of the result, for a col that is a multiple of 4.
fn load_b(base: u32, col: u32, k: u32, k_end: u32) -> mat4x4<f32> {
#if VB == "v"
  // Four lines from the one that holds k, col: along n a line is a step of k, along k a column, and then they are transposed.
  let along_n = params.b_along_n == 1u;
  let line = select(col, k, along_n);
  let last = select(params.n, k_end, along_n) - 1u;
  let stride = select(params.b_col, params.b_row, along_n);
  let at = base + select(k, min(col, (params.n - 1u) & 0xfffffffcu), along_n);
#for i in 4
  let x${i} = b_at((at + min(line + ${i}u, last) * stride) / 4u);
#endfor
  return mat4x4<f32>(
#for u in 4
#let U = "xyzw"[u]
    select(vec4<f32>(0.0), select(vec4<f32>(x0.${U}, x1.${U}, x2.${U}, x3.${U}), x${u}, along_n), ${TAIL ? "k + " + u + "u < k_end" : "true"}),
#endfor
  );
#elif VB == "n"
  let at = base + min(col, (params.n - 1u) & 0xfffffffcu);
#for u in 4
#if TAIL
  let b${u} = select(vec4<f32>(0.0), b_at((at + min(k + ${u}u, k_end - 1u) * params.b_row) / 4u), k + ${u}u < k_end);
#else
  let b${u} = b_at((at + (k + ${u}u) * params.b_row) / 4u);
#endif
#endfor
  return mat4x4<f32>(b0, b1, b2, b3);
#else
#for j in 4
  let at${j} = base + min(col + ${j}u, params.n - 1u) * params.b_col;
#if VB == "k"
  let x${j} = b_at((at${j} + k) / 4u);
#else
#if TAIL
  let k4_${j} = min(vec4<u32>(k, k + 1u, k + 2u, k + 3u), vec4<u32>(k_end - 1u)) * params.b_row + at${j};
#else
  let k4_${j} = vec4<u32>(k, k + 1u, k + 2u, k + 3u) * params.b_row + at${j};
#endif
  let x${j} = vec4<f32>(f32(b[k4_${j}.x]), f32(b[k4_${j}.y]), f32(b[k4_${j}.z]), f32(b[k4_${j}.w]));
#endif
#if TAIL
  let b${j} = keep4(x${j}, k, k_end);
#else
  let b${j} = x${j};
#endif
#endfor
  return mat4x4<f32>(
#for u in 4
#let U = "xyzw"[u]
    vec4<f32>(b0.${U}, b1.${U}, b2.${U}, b3.${U}),
#endfor
  );
#endif
}
