/** Messages of onnx.proto as they are read here; what they leave out is skipped. */

/** Sizes of a value: numbers, names of symbolic ones, undefined for unknown ones. */
export type Dimensions = readonly (number | string | undefined)[];

/** What is known of a graph's input or output. */
export type ValueInfo = {
  readonly name: string;
  /** 'tensor', or what else ONNX has: sequences, maps, optionals, sparse tensors. */
  readonly kind: string;
  /** Number of TensorProto.DataType, 0 where it is not told. */
  readonly type: number;
  /** Undefined where even the rank is unknown. */
  readonly shape: Dimensions | undefined;
};

/** A constant. Its numbers are in `raw`, in `numbers`, or in another file. */
export type TensorProto = {
  readonly name: string;
  readonly type: number;
  readonly dims: readonly number[];
  readonly raw: Uint8Array | undefined;
  /** Numbers of the typed fields; half floats as bit patterns. */
  readonly numbers: readonly number[];
  readonly external: External | undefined;
};

/** Where the bytes of a constant are, in a file beside the model. */
export type External = { readonly location: string; readonly offset: number; readonly length: number | undefined };

export type Attribute =
  | { readonly kind: 'float' | 'int'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: TensorProto }
  | { readonly kind: 'graph'; readonly value: GraphProto }
  | { readonly kind: 'floats' | 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  /** In a node of a function: the attribute of the call whose value it takes. */
  | { readonly kind: 'reference'; readonly value: string }
  | { readonly kind: 'other'; readonly value: string };

export type NodeProto = {
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  /** Empty names stand for inputs that are left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  /** Version of its operator, where a function says another one than the model. */
  readonly opset?: number | undefined;
};

export type GraphProto = {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
};

/** An operator that the model defines itself. */
export type FunctionProto = {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute | undefined>;
  readonly nodes: readonly NodeProto[];
  readonly opsets: ReadonlyMap<string, number>;
};

export type ModelProto = {
  readonly irVersion: number;
  readonly producer: string;
  /** Version of each domain's operators; '' is ai.onnx. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly graph: GraphProto;
  readonly functions: readonly FunctionProto[];
};
