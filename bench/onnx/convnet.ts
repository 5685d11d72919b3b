/** A small residual network as an ONNX model, in the operators that PyTorch's exporter writes: convolutions, batch norms, pools, a classifier. */
import { OnnxGraph } from './graph.ts';

/** Weights by name, in the order in which the network asks for them. */
export type ConvnetWeights = (name: string, shape: readonly number[]) => Float32Array;
export type ConvnetSize = { readonly batch: number; readonly size: number; readonly width: number; readonly classes: number };

/** Images [batch, 3, size, size] to logits [batch, classes], named "images": a stem, a residual block, one that halves the sides. */
export function convnetModel({ batch, size, width, classes }: ConvnetSize, weights: ConvnetWeights): Uint8Array {
  const graph = new OnnxGraph();
  const constant = (name: string, ...shape: readonly number[]): string => graph.constant(shape, weights(name, shape));
  const conv = (x: string, name: string, inputs: number, outputs: number, kernel: number, stride: number): string => {
    const pad = (kernel - 1) / 2;
    return graph.node('Conv', [x, constant(`${name}.weight`, outputs, inputs, kernel, kernel)], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
  };
  const norm = (x: string, name: string, channels: number): string => {
    const vectors = ['weight', 'bias', 'mean', 'variance'].map((part) => constant(`${name}.${part}`, channels));
    return graph.node('BatchNormalization', [x, ...vectors], { epsilon: { float: 1e-5 } });
  };
  const block = (x: string, name: string, inputs: number, outputs: number, stride: number): string => {
    const first = graph.node('Relu', [norm(conv(x, `${name}.conv1`, inputs, outputs, 3, stride), `${name}.bn1`, outputs)]);
    const second = norm(conv(first, `${name}.conv2`, outputs, outputs, 3, 1), `${name}.bn2`, outputs);
    const shortcut = stride === 1 ? x : norm(conv(x, `${name}.down`, inputs, outputs, 1, stride), `${name}.bn3`, outputs);
    return graph.node('Relu', [graph.node('Add', [second, shortcut])]);
  };
  const images = graph.input('images', [batch, 3, size, size]);
  const stem = graph.node('Relu', [norm(conv(images, 'stem', 3, width, 3, 1), 'stem.bn', width)]);
  const pooled = graph.node('MaxPool', [stem], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  const features = block(block(pooled, 'block1', width, width, 1), 'block2', width, 2 * width, 2);
  const flat = graph.node('Flatten', [graph.node('GlobalAveragePool', [features])], { axis: 1 });
  const head = [constant('head.weight', classes, 2 * width), constant('head.bias', classes)];
  return graph.model(graph.node('Gemm', [flat, ...head], { transB: 1 }), [batch, classes]);
}
