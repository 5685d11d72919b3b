import { TensorError } from '@mudpt/tensor';

/** A request that a method cannot fulfil: settings that exclude each other, texts too long, classes it was not learnt with. */
export class MethodError extends TensorError {}
