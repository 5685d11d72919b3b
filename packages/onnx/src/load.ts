/** Loading: bytes, constants in other files, checks, constant folding. */
import { byteSource, type ByteSourceInput, type Device, InputError, sizeOf, type Tensor } from '@mudpt/tensor';
import type { External, GraphProto, ModelProto, TensorProto } from './format/proto.ts';
import { readModel } from './format/read.ts';
import { isFloatType } from './format/types.ts';
import { type Graph, prepare } from './graph/prepare.ts';
import { describe } from './inputs.ts';
import { OnnxModel, releaseGraph } from './model.ts';
import { HOST_ELEMENTS } from './node/operator.ts';
import { foldConstants } from './run/fold.ts';

/** A model's bytes, a path (Node), a URL, a Blob or File, or a function that fetches the bytes. */
export type ModelSource = ByteSourceInput | (() => Promise<ArrayBuffer | Uint8Array>);

/** How a model is loaded. */
export type LoadOnnxOptions = {
  /** Opens a file that holds constants, by the name that the model has for it. By default files beside the model. */
  readonly external?: (location: string) => ByteSourceInput | Promise<ByteSourceInput>;
  /** `parameter` of `@mudpt/autograd`: float initializers become parameters, and nothing is computed from them ahead. */
  readonly trainable?: (tensor: Tensor, options: { readonly name: string }) => Tensor;
};

/**
 * Reads an ONNX model and puts its constants on the device. What cannot be run is listed before anything is.
 * @throws FormatError for a damaged file, or a graph that contradicts itself; InputError that lists all nodes that are not supported
 */
export async function loadOnnx(device: Device, source: ModelSource, options: LoadOnnxOptions = {}): Promise<OnnxModel> {
  const proto = readModel(await bytesOf(source));
  const external = await externalBytes(proto, options.external ?? besides(source));
  const graph = prepare(proto, external);
  try {
    const inputs = graph.inputs.map(describe);
    const outputs = graph.outputs.map(describe);
    const parameters = options.trainable ? trainableOf(device, graph, proto, options.trainable) : new Map<string, Tensor>();
    await foldConstants(device, graph, (name) => parameters.has(name));
    for (const name of parameters.keys()) if (!graph.constants.has(name)) parameters.delete(name);
    uploadConstants(device, graph);
    return new OnnxModel(device, inputs, outputs, parameters, graph);
  } catch (error) {
    releaseGraph(graph);
    throw error;
  }
}

async function bytesOf(source: ModelSource): Promise<Uint8Array> {
  if (typeof source === 'function') {
    const bytes = await source();
    return bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  }
  const opened = await byteSource(source);
  try {
    return await opened.read(0, opened.size);
  } finally {
    await opened.close?.();
  }
}

/** Files beside a model that has a path or an address. */
function besides(source: ModelSource): (location: string) => ByteSourceInput {
  return (location) => {
    if (source instanceof URL) return new URL(location, source);
    if (typeof source !== 'string')
      throw new InputError(
        'loadOnnx',
        `constants of the model are in a file "${location}"`,
        'give options.external, which opens such files',
      );
    if (/^https?:/i.test(source)) return new URL(location, source);
    return source.replace(/[^/\\]*$/, '') + location;
  };
}

/** All constants in other files, read. @throws FormatError or InputError for places that are not inside of the model's folder */
async function externalBytes(
  proto: ModelProto,
  open: (location: string) => ByteSourceInput | Promise<ByteSourceInput>,
): Promise<ReadonlyMap<External, Uint8Array>> {
  const found: External[] = [];
  const visitTensor = ({ external }: TensorProto): void => void (external && found.push(external));
  const visit = ({ initializers, nodes }: Pick<GraphProto, 'initializers' | 'nodes'>): void => {
    initializers.forEach(visitTensor);
    for (const { attributes } of nodes)
      for (const attribute of attributes.values()) {
        if (attribute.kind === 'tensor') visitTensor(attribute.value);
        if (attribute.kind === 'graph') visit(attribute.value);
      }
  };
  visit(proto.graph);
  for (const { nodes } of proto.functions) visit({ initializers: [], nodes });
  const bytes = new Map<External, Uint8Array>();
  for (const location of new Set(found.map((external) => external.location))) {
    if (/^(?:[/\\]|[a-z]+:)|(?:^|[/\\])\.\.(?:[/\\]|$)/i.test(location))
      throw new InputError(
        'loadOnnx',
        `a constant is in "${location}", outside of the model's folder`,
        'keep its files beside the model',
      );
    const source = await byteSource(await open(location));
    try {
      for (const external of found) {
        if (external.location !== location) continue;
        bytes.set(external, await source.read(external.offset, external.length ?? source.size - external.offset));
      }
    } finally {
      await source.close?.();
    }
  }
  return bytes;
}

/** Float initializers of the graph as parameters. */
function trainableOf(
  device: Device,
  graph: Graph,
  { graph: { initializers } }: ModelProto,
  mark: NonNullable<LoadOnnxOptions['trainable']>,
): Map<string, Tensor> {
  const parameters = new Map<string, Tensor>();
  for (const { name } of initializers) {
    const value = graph.constants.get(name);
    if (value && isFloatType(value.type)) parameters.set(name, mark(value.moveTo(device), { name }));
  }
  return parameters;
}

/**
 * Constants that ops read, on the device: what were uploaded first inside of a captured function would belong to that. Weights are then on the device
 * alone; small tables stay known to the host.
 */
function uploadConstants(device: Device, graph: Graph, used = readOnDevice(graph)): void {
  for (const [name, value] of graph.constants) {
    if (!used.has(name)) continue;
    if (isFloatType(value.type) && sizeOf(value.shape) > HOST_ELEMENTS) value.moveTo(device);
    else if (value.fits) value.tensor(device);
  }
  for (const { graphs } of graph.steps) for (const inner of graphs.values()) uploadConstants(device, inner, used);
}

/** Names that ops may read on the device; shapes and axes are read on the host. */
function readOnDevice({ steps, outputs }: Graph): Set<string> {
  const names = new Set(outputs.map(({ name }) => name));
  for (const { node, operator, graphs } of steps) {
    const { reads = [] } = operator;
    node.inputs.forEach((name, index) => void (reads !== 'all' && !reads.includes(index) && names.add(name)));
    for (const inner of graphs.values()) for (const name of readOnDevice(inner)) names.add(name);
  }
  return names;
}
