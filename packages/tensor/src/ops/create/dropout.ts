/** Dropout as an op, for attention and for modules. */
import { defineOp } from '../../definition/op.ts';
import * as launch from '../../kernels/dropout.ts';
import type { Tensor } from '../../tensor.ts';

/** Sets elements to 0 by a counter-based random stream: the same seed, stream and position give the same choice on every adapter. */
export const dropout = defineOp('dropout', (x: Tensor, options: launch.DropoutOptions): Tensor => launch.dropout(x, options));
