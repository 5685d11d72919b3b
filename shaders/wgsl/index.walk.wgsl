// index.walk: splits the row-major index `rest` over the dimensions of params.shape (8, innermost last, unused ones in front with size 1)
// and moves the position AT by params.STRIDES, and with WALK_TWO 1 the position AT_TWO by params.STRIDES_TWO (names given by #let). Stands
// inside a function. A loop, since unrolled divisions take long to compile on CPU adapters; it ends with the last dimension that matters.
// Include only.
  for (var d = 8u; rest > 0u && d > 0u; ) {
    d--;
    let size = params.shape[d / 4u][d % 4u];
    let step = rest % size;
    rest = rest / size;
    ${AT} += step * params.${STRIDES}[d / 4u][d % 4u];
#if WALK_TWO
    ${AT_TWO} += step * params.${STRIDES_TWO}[d / 4u][d % 4u];
#endif
  }
