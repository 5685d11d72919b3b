/** Whether numbers are finite, asked on the device. */
import {
  all,
  copyInto,
  type Device,
  isFinite,
  isFloat,
  keep,
  narrow,
  reshape,
  scope,
  type Tensor,
  TensorError,
  zeros,
} from '@mudpt/tensor';

/** Numbers that should be finite and are not: those of a run's state, of a file, or of a result. */
export class NotFiniteError extends TensorError {}

/**
 * Names of those tensors that hold a NaN or an infinity. Each is reduced to one flag where it lies, and the flags are read together; tensors of
 * integers or of no elements are passed over.
 */
export async function notFinite(tensors: Iterable<readonly [string, Tensor]>, device: Device): Promise<string[]> {
  const asked = [...tensors].filter(([, { size, dtype }]) => size > 0 && isFloat(dtype));
  if (asked.length === 0) return [];
  const flags = keep(zeros([asked.length], { dtype: 'bool', device }));
  try {
    scope(() => {
      for (const [place, [, tensor]] of asked.entries())
        copyInto(narrow(flags, 0, place, 1), reshape(all(isFinite(tensor)), [1]));
    });
    const finite = await flags.data();
    return asked.filter((_, place) => !finite[place]).map(([name]) => name);
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
