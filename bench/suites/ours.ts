/** This engine's answer to a job. */
import { attention, type Device, layerNorm, matmul, mul, ones, scope, type Tensor, tensor, zeros } from '@mudpt/tensor';
import { attentionBackward, attentionForward, engineOf, measurePlan } from '@mudpt/tensor/internal';
import { type Effort, measure, type Row } from '../harness.ts';
import { values } from '../inputs.ts';
import { type AttentionJob, checkOf, flopsOf, type Job, nameOf } from '../jobs.ts';

export const OURS = 'mudpt';
/** This engine, computing texts as everybody else does. */
export const PLAIN = '77 rows a class';

/** Runs `job` on `device`; `engine` names the variant when one is forced. */
export async function runOurs(device: Device, suite: string, job: Job, effort: Effort, engine: string = OURS): Promise<Row> {
  const inputs: Tensor[] = [];
  const input = (shape: readonly number[], seed: number): Tensor => {
    const made = tensor(
      values(
        shape.reduce((a, b) => a * b, 1),
        seed,
      ),
      { shape, device },
    );
    inputs.push(made);
    return made;
  };
  try {
    const run = prepare(device, job, input, inputs);
    const bytes = job.kind === 'layernorm' ? 8 * job.rows * job.width : 0;
    const row = { suite, name: nameOf(job), engine, flops: flopsOf(job), bytes };
    const measured = await measure(device, row, run, checkOf(job), effort);
    return job.kind === 'attention' ? withMemory(device, job, run, measured) : measured;
  } finally {
    for (const made of inputs) made.dispose();
  }
}

/** Tokens from which one matrix of their pairs outweighs all tensors of theirs. */
const LONG = 1024;

/** Device memory that a run takes beside its inputs, from its plan. Fused attention whose memory grows with the pairs of tokens is wrong. */
function withMemory(device: Device, { batch, heads, tokens }: AttentionJob, run: () => Tensor, row: Row): Row {
  const { bytes } = scope(() => measurePlan(engineOf(device), run).cost);
  const scores = 4 * batch * heads * tokens ** 2;
  const problem = tokens >= LONG && bytes >= scores ? `takes ${bytes} bytes, as much as scores of all pairs` : row.problem;
  return { ...row, ...(problem && { problem }), extra: { 'device bytes': bytes, 'bytes of the scores': scores } };
}

type Input = (shape: readonly number[], seed: number) => Tensor;

function prepare(device: Device, job: Job, input: Input, owned: Tensor[]): () => Tensor {
  if (job.kind === 'matmul') {
    const { m, n, k, layout } = job;
    const a = input(layout === 'TN' ? [k, m] : [m, k], 1);
    const b = input(layout === 'NT' ? [n, k] : [k, n], 2);
    return () => matmul(a, b, { transposeA: layout === 'TN', transposeB: layout === 'NT' });
  }
  if (job.kind === 'layernorm') {
    const x = input([job.rows, job.width], 1);
    const [scale, shift] = [ones([job.width], { device }), zeros([job.width], { device })];
    owned.push(scale, shift);
    return () => layerNorm(x, scale, shift);
  }
  const { batch, heads, tokens, depth, causal, gradient } = job;
  const shape = [batch, tokens, heads, depth];
  const [q, k, v] = [input(shape, 1), input(shape, 2), input(shape, 3)];
  if (!gradient) return () => attention(q, k, v, { causal });
  return () => {
    const { out, lse } = attentionForward({ q, k, v }, { causal });
    const grad = mul(out, 2);
    const gradients = attentionBackward({ q, k, v, out, lse, grad, needs: { q: true, k: true, v: true } }, { causal });
    if (!gradients.q) throw new Error('attentionBackward gave no gradient of q');
    return gradients.q;
  };
}
