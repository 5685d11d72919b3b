/** The passes of fused attention whose blocks are queries, launched as their plans say, part by part: the forward, and the gradient of queries. */
import type { Tensor } from '../../tensor.ts';
import { lastOf } from '../../values.ts';
import {
  type BackwardInputs,
  type KernelInputs,
  lseGeometry,
  maskBuffer,
  pairsAsked,
  queryParams,
  statsGeometry,
} from './launch-params.ts';
import { shifted } from './parts.ts';
import { planOf } from './plan.ts';
import type { AttentionProblem } from './problem.ts';
import { geometryOf } from './quads.ts';
import { askingGrid } from './shared-prefix.ts';

/** @param asksPrefix whether the rows before the sequences, those of the prefix, are asked too: see {@link canShare} */
export function launchForward(
  problem: AttentionProblem,
  inputs: KernelInputs,
  { out, lse }: ForwardResults,
  asksPrefix = false,
): void {
  const { q, k, v, prefix } = inputs;
  const plan = planOf(problem, 'forward', lastOf(q.shape));
  for (const part of plan.parts) {
    const row = part.block * plan.rows;
    plan.kernel.dispatch(problem.device, {
      buffers: {
        q,
        k,
        v,
        out,
        lse,
        blocks: plan.blocks ?? q,
        ...(prefix && { prefix: prefix.storage }),
        ...maskBuffer(problem, plan, k),
      },
      params: {
        ...queryParams(problem, inputs, plan, part, asksPrefix),
        out: shifted(geometryOf(out, plan.slice), part, row),
        lse: shifted(lseGeometry(problem, lse), part, row),
        scale: problem.scale * Math.LOG2E,
      },
      grid: askingGrid(problem, plan, part, asksPrefix),
      defines: plan.defines,
      flops: (4 * problem.heads * pairsAsked(problem, asksPrefix) * problem.depth) / plan.parts.length,
    });
  }
}

/** Results of the forward pass, which the statistics of queries are formed of. */
export type ForwardResults = { readonly out: Tensor; readonly lse: Tensor };

/** Whether {@link launchQueryGradient} forms `stats` itself. @param depth padded head dimension */
export function formsStats(problem: AttentionProblem, depth: number): boolean {
  return planOf(problem, 'dq', depth).formsStats;
}

/** Where {@link formsStats}, `stats` is written, of `results`; else it is read. @param asksPrefix as in {@link launchForward} */
export function launchQueryGradient(
  problem: AttentionProblem,
  inputs: BackwardInputs,
  { out, lse }: ForwardResults,
  dq: Tensor,
  asksPrefix = false,
): void {
  const { q, k, v, prefix, grad, stats } = inputs;
  const plan = planOf(problem, 'dq', lastOf(q.shape));
  for (const part of plan.parts) {
    const row = part.block * plan.rows;
    plan.kernel.dispatch(problem.device, {
      buffers: {
        q,
        k,
        v,
        grad,
        stats,
        dq,
        blocks: plan.blocks ?? q,
        ...(plan.hasPrefix && { prefix: prefix?.storage ?? k }),
        ...(plan.formsStats && { out, lse }),
        ...maskBuffer(problem, plan, k),
      },
      params: {
        ...queryParams(problem, inputs, plan, part, asksPrefix),
        grad: shifted(geometryOf(grad), part, row),
        dq: shifted(geometryOf(dq, plan.slice), part, row),
        stats: shifted(statsGeometry(problem, stats), part, row),
        ...(plan.formsStats && {
          out: shifted(geometryOf(out), part, row),
          lse: shifted(lseGeometry(problem, lse), part, row),
        }),
        scale: problem.scale,
      },
      grid: askingGrid(problem, plan, part, asksPrefix),
      defines: plan.defines,
      flops: (6 * problem.heads * pairsAsked(problem, asksPrefix) * problem.depth) / plan.parts.length,
    });
  }
}
