// Shared by the attention kernels: the block of ROWS rows that a workgroup owns, where its sequence begins in q, and the slices of the head dimension
// that a lane holds. Head of `main`; reads `group`, `groups`, `lane` and `params`.
//
// Packed rows are named by a table; dense ones are counted by the grid, and bind any buffer in the table's place (params.blocks = 0).
// A head that needs only half of the lanes (params.apart = 1) is held twice: the upper lanes hold the same slices as the lower ones, take every
// other of the rows that are summed over, and are added in the end. One pipeline serves both sizes, and no lane is idle.
// Include only.
  let packed = params.blocks > 0u;
  let entry = group.x + group.z * groups.x;
  let block = blocks[min(entry, max(params.blocks, 1u) - 1u)]; // start, length, first row
  let batch = select(group.z, 0u, packed);
  let start = select(0u, block.x, packed);
  let length = select(0u, block.y, entry < params.blocks);
  let rowStart = select(group.x * ${ROWS}u, block.z, packed);
  let head = group.y;
  let qBase = params.q.x + batch * params.q.y + start * params.q.z + head * params.q.w;
  let kBase = params.k.x + batch * params.k.y + start * params.k.z + head * params.k.w;
  let vBase = params.v.x + batch * params.v.y + start * params.v.z + head * params.v.w;
// SwiftShader (4 lanes) takes minutes to compile the exchange; there, and without subgroups, lanes may be idle.
#let APART = !TILE && SG >= 8
#if APART
  let span = ${LANES}u >> params.apart; // lanes that hold a row
  let side = lane / span;
#else
  let span = ${LANES}u;
  let side = 0u;
#endif
#for c in COLUMNS
  let column${c} = lane % span + ${c}u * span;
  let quad${c} = min(column${c} / ${QUADS}u, params.depth - 1u);
#endfor
