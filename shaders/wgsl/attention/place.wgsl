// Shared by the attention kernels that own rows of queries: how many there are, and which keys they see. Head of `main`, behind attention/block.wgsl.
// Include only.
#include "attention/block.wgsl"
  let count = select(params.queries, length, packed);
#if PREFIX
  let shift = params.prefix;
  let prefixKBase = params.prefixK.x + head * params.prefixK.w;
  let prefixVBase = params.prefixV.x + head * params.prefixV.w;
#else
  let shift = 0u;
#endif
  let keys = shift + select(params.keys, length, packed); // prefix keys come first, so a causal limit only shifts by their number
  let limit = min(keys, shift + rowStart + ${ROWS}u + params.ahead);
