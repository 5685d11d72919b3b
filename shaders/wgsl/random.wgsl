// random: element i takes word i mod 4 of block i / 4 of Philox4x32-10 (Salmon and others, SC11) with counter [block, 0, stream, 0].
// One thread a block, one store of four. Integers and uniform numbers have the same bits on every adapter; normal ones agree to rounding,
// since their logarithm, sine and cosine are polynomials of math.wgsl.
// Defines: TR result type; KIND words, uniform, open (without 0), normal, integer, bernoulli; KEYED 1: the key is read from a tensor of two words.
// Compile: TR=f32 KIND=normal KEYED=1 | TR=u32 KIND=words KEYED=0 | TR=i32 KIND=integer KEYED=0 | TR=u32 KIND=bernoulli KEYED=0
#if TR == "f16"
enable f16;
#endif
struct Params {
  count: u32,
  stream: u32,
  key: vec2<u32>,
  low: f32,
  scale: f32,
  below: f32, // no uniform number is larger
  first: i32,
  range: u32,
  key_offset: u32,
  key_stride: u32,
}
@group(0) @binding(0) var<storage, read_write> result: array<vec4<${TR}>>;
#if KEYED
@group(0) @binding(1) var<storage, read> key_words: array<u32>;
#endif
@group(0) @binding(2) var<uniform> params: Params;
#include "math.base.wgsl"
#include "math.angle.wgsl"

#include "philox.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let block = (wid.x + wid.y * groups.x) * 64u + local;
  if (block >= (params.count + 3u) / 4u) { return; }
#if KEYED
  let seed = vec2<u32>(key_words[params.key_offset], key_words[params.key_offset + params.key_stride]);
#else
  let seed = params.key;
#endif
  let words = philox(vec4<u32>(block, 0u, params.stream, 0u), seed);
#if KIND == "words"
  result[block] = words;
#elif KIND == "integer"
  result[block] = vec4<${TR}>(
#for i in 4
    ${TR}(params.first + i32(math_mul_high(words.${"xyzw"[i]}, params.range))),
#endfor
  );
#elif KIND == "bernoulli"
  let draws = vec4<f32>(uniform_of(words.x), uniform_of(words.y), uniform_of(words.z), uniform_of(words.w));
  result[block] = vec4<${TR}>(select(vec4<u32>(0u), vec4<u32>(1u), draws < vec4<f32>(params.scale)));
#elif KIND == "open"
  result[block] = vec4<${TR}>(vec4<f32>(open_uniform_of(words.x), open_uniform_of(words.y), open_uniform_of(words.z), open_uniform_of(words.w)));
#elif KIND == "uniform"
  let draws = vec4<f32>(uniform_of(words.x), uniform_of(words.y), uniform_of(words.z), uniform_of(words.w));
  // Rounded to the type, the largest draws would reach the upper bound.
  result[block] = vec4<${TR}>(min(params.low + params.scale * draws, vec4<f32>(params.below)));
#else
  let draws = vec4<f32>(normal_pair(words.x, words.y), normal_pair(words.z, words.w));
  result[block] = vec4<${TR}>(params.low + params.scale * draws);
#endif
}
