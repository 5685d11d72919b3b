// gemm.work: the work of a workgroup: its tile of the result, its batch, its part of k. Needs gemm/params.wgsl.
// Define CPU 1: on a CPU adapter, where neighbouring workgroups share columns of b.
// Include only.

// Tile (row, column), offsets of the batch, range of k.
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
// run one after another read the same columns of b from the cache of a core.
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
