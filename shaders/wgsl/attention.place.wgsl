// Shared by the attention kernels that own rows of queries: which rows of which sequence and head a workgroup has, where they begin in q, k and
// v, and which keys they see. Head of `main`; reads `group` and `params`.
// Include only.
#if RAGGED
  let entry = group.x + group.z * groups.x;
  let block = blocks[min(entry, params.blocks - 1u)]; // start, length, first row
  let batch = 0u;
  let start = block.x;
  let rowStart = block.z;
  let queries = select(0u, block.y, entry < params.blocks);
  let ownKeys = block.y;
#else
  let batch = group.z;
  let start = 0u;
  let rowStart = group.x * ${ROWS}u;
  let queries = params.queries;
  let ownKeys = params.keys;
#endif
  let head = group.y;
  let qBase = params.q.x + batch * params.q.y + start * params.q.z + head * params.q.w;
  let kBase = params.k.x + batch * params.k.y + start * params.k.z + head * params.k.w;
  let vBase = params.v.x + batch * params.v.y + start * params.v.z + head * params.v.w;
#if PREFIX
  let shift = params.prefix;
  let prefixKBase = params.prefixK.x + head * params.prefixK.w;
  let prefixVBase = params.prefixV.x + head * params.prefixV.w;
#else
  let shift = 0u;
#endif
  let keys = shift + ownKeys; // prefix keys come first, so a causal limit only shifts by their number
#if CAUSAL
  let limit = min(keys, shift + rowStart + ${ROWS}u);
#else
  let limit = keys;
#endif
#for c in COLUMNS
  let column${c} = lane + ${c * LANES}u;
  let quad${c} = min(column${c} / ${QUADS}u, params.depth - 1u);
#endfor
