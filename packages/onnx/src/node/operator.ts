/** What an implementation of an ONNX operator consists of. */
import type { Tensor } from '@mudpt/tensor';
import type { NodeProto } from '../format/proto.ts';
import type { Value } from './value.ts';
import type { HostTensor } from '../host/tensor.ts';
import type { Call } from './call.ts';

/** Elements up to which operators on known numbers run on the host: shapes, indices, small tables. */
export const HOST_ELEMENTS = 4096;

/** A tensor is of the type of the operator's first input; a value tells its own. Undefined: an output that is left out. */
export type Result = Tensor | Value | undefined;
/** Asks for values to be read; what is read is then in `value.host`. */
export type Reading<R> = Generator<Value, R, undefined>;

/** Runs a graph of a node. It takes the inputs over. */
export type Subgraph = {
  (inputs: readonly Value[]): Reading<Value[]>;
  /** Types and sizes that the graph tells of its outputs. */
  readonly outputs: readonly { readonly type: number; readonly shape: readonly (number | string | undefined)[] | undefined }[];
  /** Number of inputs. */
  readonly arity: number;
};

export type Operator = {
  /** One op of the engine, or several. */
  readonly by: 'op' | 'composition';
  /** First version whose meaning is implemented. Default 1. */
  readonly since?: number;
  /** Inputs whose numbers decide shapes or which work is done: they are read where they are not known on the host. */
  readonly reads?: readonly number[] | 'all';
  /** Why a node cannot be run, for what is not implemented of the operator. */
  readonly refuses?: (node: NodeProto, opset: number) => string | undefined;
  /** On the host, where all inputs are known and small. Undefined: the result is better made on the device. */
  readonly host?: (call: Call) => HostTensor | readonly HostTensor[] | undefined;
  readonly run?: (call: Call) => Result | readonly Result[];
  /** Operators that run graphs. */
  readonly control?: (call: Call, graphs: ReadonlyMap<string, Subgraph>) => Reading<readonly Value[]>;
  /** Equal inputs do not give equal outputs, so it is not run ahead. */
  readonly isRandom?: boolean;
  /** Small inputs may give large outputs, so it is not run ahead on the device. */
  readonly isExpanding?: boolean;
};

export type Operators = Readonly<Record<string, Operator>>;

/** A string attribute of a node. */
export function textAttribute(node: NodeProto, name: string, otherwise: string): string {
  const found = node.attributes.get(name);
  return found?.kind === 'string' ? found.value : otherwise;
}

export function intAttribute(node: NodeProto, name: string, otherwise: number): number {
  const found = node.attributes.get(name);
  return found?.kind === 'int' ? found.value : otherwise;
}
