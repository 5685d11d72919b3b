/** Results of operators as values. */
import { cast, type Tensor } from '@mudpt/tensor';
import { dtypeOf } from '../format/types.ts';
import type { Call } from './call.ts';
import type { Result } from './operator.ts';
import { secondHandle, Value } from './value.ts';

/** A result as a value with a handle of its own, of the dtype that its ONNX type has. */
export function settled(call: Call, result: Result): Value | undefined {
  if (result === undefined || result instanceof Value) return result;
  const type = call.value(0).type;
  const dtype = dtypeOf(type, call.device);
  if (result.dtype !== dtype) return Value.device(type, cast(result, dtype));
  return Value.device(type, owned(call, result));
}

/** The handle, or a second one where an operator gave one of its inputs back. */
function owned(call: Call, tensor: Tensor): Tensor {
  return call.inputs.some((value) => value?.isOnDevice && value.tensor(call.device) === tensor) ? secondHandle(tensor) : tensor;
}

/** A value of another type than the operator's first input. */
export function typed(call: Call, type: Value['type'], tensor: Tensor): Value {
  const dtype = dtypeOf(type, call.device);
  return Value.device(type, tensor.dtype === dtype ? owned(call, tensor) : cast(tensor, dtype));
}
