// Shared by the attention kernels: the block of ROWS rows that a workgroup owns, where its sequence begins in q, and the slices of the head dimension
// that a lane holds. Head of `main`; reads `group`, `groups`, `lane` and `params`.
//
// Packed rows are named by a table; dense ones are counted by the grid, and bind any buffer in the table's place (params.blocks = 0).
// A head of half the size needs half of a lane's COLUMNS registers (params.apart = 1). Then the upper half holds the same slices as the lower one,
// takes every other of the rows that are summed over, and is added in the end: one pipeline serves both sizes, and no register is idle.
// Include only.
#let LOWER = COLUMNS % 2 == 0 ? COLUMNS / 2 : COLUMNS
#let HALVES = COLUMNS / LOWER
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
#for h in HALVES
#for l in LOWER
  let column${h * LOWER + l} = lane + ${l * LANES}u + ${h * LOWER * LANES}u * (1u - params.apart);
  let quad${h * LOWER + l} = min(column${h * LOWER + l} / ${QUADS}u, params.depth - 1u);
#endfor
#endfor
