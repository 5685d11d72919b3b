/** Jobs as ONNX models, the way an exporter would write them: fused operators where ONNX Runtime has them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { values } from '../inputs.ts';
import type { AttentionJob, Job, LayerNormJob, MatmulJob } from '../jobs.ts';
import { OnnxGraph } from './graph.ts';

type Input = { readonly name: string; readonly shape: readonly number[]; readonly seed: number };
/** A model on disk and the inputs to feed it. */
export type ModelFile = { readonly model: string; readonly inputs: readonly Input[] };
type Model = { readonly bytes: Uint8Array; readonly inputs: readonly Input[] };

/** Writes the model of `job` into `folder`; undefined where ONNX has no such thing (gradients). */
export function modelOf(job: Job, folder: string): ModelFile | undefined {
  const made = build(job);
  if (!made) return undefined;
  const model = join(folder, `${job.kind}.${Object.values(job).join('-')}.onnx`);
  writeFileSync(model, made.bytes);
  return { model, inputs: made.inputs };
}

function build(job: Job): Model | undefined {
  if (job.kind === 'matmul') return matmulModel(job);
  if (job.kind === 'layernorm') return layerNormModel(job);
  return job.gradient ? undefined : attentionModel(job);
}

/** The right-hand side is a constant, as a layer's weight is. */
function matmulModel({ m, n, k, layout }: MatmulJob): Model {
  const graph = new OnnxGraph();
  const shape = layout === 'TN' ? [k, m] : [m, k];
  const a = graph.input('a', shape);
  const b = graph.constant(layout === 'NT' ? [n, k] : [k, n], values(n * k, 2));
  const product = graph.node('Gemm', [a, b], { transA: layout === 'TN' ? 1 : 0, transB: layout === 'NT' ? 1 : 0 });
  return { bytes: graph.model(product, [m, n]), inputs: [{ name: 'a', shape, seed: 1 }] };
}

function layerNormModel({ rows, width }: LayerNormJob): Model {
  const graph = new OnnxGraph();
  const shape = [rows, width];
  const x = graph.input('x', shape);
  const scale = graph.constant([width], new Float32Array(width).fill(1));
  const shift = graph.constant([width], new Float32Array(width));
  const out = graph.node('LayerNormalization', [x, scale, shift], { axis: 1, epsilon: { float: 1e-5 } });
  return { bytes: graph.model(out, shape), inputs: [{ name: 'x', shape, seed: 1 }] };
}

/** ONNX Runtime's own fused operator, on [B, T, H * D]. */
function attentionModel({ batch, heads, tokens, depth, causal }: AttentionJob): Model {
  const graph = new OnnxGraph();
  const shape = [batch, tokens, heads * depth];
  const names = ['q', 'k', 'v'];
  const out = graph.node(
    'MultiHeadAttention',
    names.map((name) => graph.input(name, shape)),
    { num_heads: heads, unidirectional: causal ? 1 : 0 },
    'com.microsoft',
  );
  return { bytes: graph.model(out, shape), inputs: names.map((name, i) => ({ name, shape, seed: i + 1 })) };
}
