import { TensorError } from '@mudpt/tensor';

/** A method asked for something it cannot do: settings that exclude each other, texts too long, classes it was not learnt with. */
export class MethodError extends TensorError {}
