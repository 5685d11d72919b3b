// optim.common: parameters and indexing of the update kernels. One workgroup updates one block of 256 elements of the flat parameter buffer; a parameter
// begins at a block. WG threads share the 64 vectors of a block (64 on GPUs, 8 on CPU adapters, where threads and barriers cost). Element order and arithmetic are PyTorch's, in f32.
//
// Measured: docs/kernels/optim.md
//
// Defines
//   WG    threads of a workgroup
//   RATE  1: the learning rate is read from `rate`, so that a captured step can change it; 0: params.lr
//   MASK  1: blocks whose `mask` is 0 are left alone, state and step count too (their parameters got no gradient)
//   COUNT 1: `steps` counts the updates of each block
//   MAXIMIZE 1: climbs, by the gradients' other sign
// Include only.

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> p: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> g: array<vec4<f32>>;
#if RATE
@group(0) @binding(3) var<storage, read> rate: array<f32>;
#endif
#if MASK
@group(0) @binding(4) var<storage, read> mask: array<u32>;
#endif
#if COUNT
@group(0) @binding(5) var<storage, read_write> steps: array<u32>;
#endif

fn learning_rate() -> f32 {
#if RATE
  return rate[params.rate_offset] * params.lr;
#else
  return params.lr;
#endif
}

fn gradient(at: u32) -> vec4<f32> {
#if MAXIMIZE
  return -g[at];
#else
  return g[at];
#endif
}

fn is_active(block: u32) -> bool {
#if MASK
  return mask[block] != 0u;
#else
  return true;
#endif
}
