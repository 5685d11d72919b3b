/** Gradient rules of the tensor package's ops, registered by importing this file. */
/* oxlint-disable import/no-unassigned-import -- a rule registers itself with its op */
import './pointwise.ts';
import './views.ts';
import './matmul.ts';
import './einsum.ts';
import './norm.ts';
import './loss.ts';
import './reduce.ts';
import './order.ts';
import './gather.ts';
import './conv.ts';
import './resize.ts';
import './grid-sample.ts';
import './channel-norm.ts';
import './distance.ts';
import './attention.ts';
import './linalg.ts';
import './fft.ts';
import './dropout.ts';
import './rope.ts';
