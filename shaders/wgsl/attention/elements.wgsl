// Elements in memory, of the attention kernels: read by fours (a Quad, stored as T; a GradQuad, of the output's gradient, as G) as vec4<f32>, written by
// SLICE (2 or 4) as OUT. f16 travels as pairs packed in u32: half the loads, and no dependence on the shader-f16 feature.
// Include only.
#if T == "f16"
alias Quad = vec2<u32>;
fn widen(quad: Quad) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(quad.x), unpack2x16float(quad.y));
}
#else
alias Quad = vec4<f32>;
fn widen(quad: Quad) -> vec4<f32> {
  return quad;
}
#endif

#if G == "f16"
alias GradQuad = vec2<u32>;
fn widen_grad(quad: GradQuad) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(quad.x), unpack2x16float(quad.y));
}
#else
alias GradQuad = vec4<f32>;
fn widen_grad(quad: GradQuad) -> vec4<f32> {
  return quad;
}
#endif

#if OUT == "f16" && SLICE == 4
alias Slice = vec2<u32>;
fn narrow(value: vec4<f32>) -> Slice {
  return vec2<u32>(pack2x16float(value.xy), pack2x16float(value.zw));
}
#elif OUT == "f16"
alias Slice = u32;
fn narrow(value: vec2<f32>) -> Slice {
  return pack2x16float(value);
}
#else
alias Slice = vec${SLICE}<f32>;
fn narrow(value: Slice) -> Slice {
  return value;
}
#endif
