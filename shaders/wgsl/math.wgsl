// math: elementary functions of f32, included by other kernels; those that need a part include that and math.base.
// Include only.
// WGSL lets an adapter compute exp, log, sin or pow with errors of many units in the last place, and NaN and infinity are left to it
// (SwiftShader: exp(NaN) = infinity, tanh(100) = NaN). These have relative errors of about 2e-7 everywhere and treat NaN, infinity and zero
// as IEEE 754 functions do. Subnormal results may be flushed to zero.
// No function relies on fused multiply-add, or on infinities surviving constant folding: special values are tested and made by bits.

#include "math.base.wgsl"
#include "math.normal.wgsl"
#include "math.angle.wgsl"
#include "math.power.wgsl"
