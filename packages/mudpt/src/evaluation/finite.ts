/** Whether numbers are finite, asked on the device. */
import { contiguous, type Device, empty, keep, scope, type Tensor, TensorError } from '@mudpt/tensor';
import { isFloat, kernel, wgslType } from '@mudpt/tensor/kernels';

/** Numbers that should be finite and are not: those of a run's state, of a file, or of a result. */
export class NotFiniteError extends TensorError {}

/**
 * Sets flags[place] if x[offset .. offset + count - 1] holds a NaN or an infinity. It runs as one workgroup, because learnt tensors are small; isFinite, all and a
 * copy would be five pipelines instead of one. It tests bits, since compilers may assume that floats are finite.
 */
const findNotFinite = kernel({
  name: 'not-finite',
  strided: true, // a tensor may lie anywhere in its buffer
  params: { offset: 'u32', count: 'u32', place: 'u32' },
  source: `
#if T == "f16"
enable f16;
#endif
@group(0) @binding(0) var<storage, read> x: array<\${T}>;
@group(0) @binding(1) var<storage, read_write> flags: array<u32>;
var<workgroup> found: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var any = 0u;
  for (var i = local; i < params.count; i += 64u) {
    any |= u32((bitcast<u32>(f32(x[params.offset + i])) & 0x7f800000u) == 0x7f800000u);
  }
  found[local] = any;
  workgroupBarrier();
  if (local == 0u) {
    for (var i = 1u; i < 64u; i++) { any |= found[i]; }
    flags[params.place] = any;
  }
}
`,
});

/**
 * Names of those tensors that hold a NaN or an infinity. Each gives one flag where it lies, and the flags are read together; tensors of
 * integers or of no elements are passed over.
 */
export async function notFinite(tensors: Iterable<readonly [string, Tensor]>, device: Device): Promise<string[]> {
  const asked = [...tensors].filter(([, { size, dtype }]) => size > 0 && isFloat(dtype));
  if (asked.length === 0) return [];
  const flags = keep(empty(device, [asked.length], 'u32'));
  try {
    scope(() => {
      for (const [place, [, tensor]] of asked.entries()) {
        const x = contiguous(tensor);
        const params = { offset: x.offset, count: x.size, place };
        findNotFinite.dispatch(device, { buffers: { x, flags }, params, grid: [1], defines: { T: wgslType(x.dtype) } });
      }
    });
    const found = await flags.data();
    return asked.filter((_, place) => found[place] !== 0).map(([name]) => name);
  } finally {
    flags.dispose();
  }
}

/** @throws NotFiniteError naming the tensors of `what` that are not finite */
export async function expectFinite(
  op: string,
  what: string,
  tensors: Iterable<readonly [string, Tensor]>,
  device: Device,
  fix: string,
): Promise<void> {
  const bad = await notFinite(tensors, device);
  if (bad.length === 0) return;
  const names = bad.slice(0, 4).join(', ') + (bad.length > 4 ? ` and ${bad.length - 4} more` : '');
  throw new NotFiniteError(op, `${what} holds numbers that are NaN or infinite (${names})`, fix);
}
