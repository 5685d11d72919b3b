/** The bench on the visitor's adapter: the repository's own problems and checks. */
import { Device } from '@mudpt/tensor';
import { measurePeaks } from '@mudpt/testing/measure/peaks';
import commit from 'virtual:commit';
import type { Effort, Row } from '../../../../bench/harness.ts';
import { type Job, nameOf } from '../../../../bench/jobs.ts';
import { attentionJobs, gpuAttentionJobs, quickAttentionJobs } from '../../../../bench/suites/attention.ts';
import { gemmJobs, gpuGemmJobs, quickGemmJobs } from '../../../../bench/suites/gemm.ts';
import { layerNormJobs } from '../../../../bench/suites/layernorm.ts';
import { OURS, runOurs } from '../../../../bench/suites/ours.ts';
import { serve } from '../worker/rpc.ts';
import { attempt } from './attempt.ts';
import { modelProblems } from './models.ts';
import { peerNames, runPeer } from './peers.ts';
import type { BenchCalls, BenchEvent, BenchHead } from './protocol.ts';

const EFFORT: Effort = { seconds: 1, samples: 10, least: 2 };
/** Of problems that take seconds. */
const ONCE: Effort = { seconds: 1, samples: 5, least: 1 };
/** Longer attention takes minutes on adapters that compute on the processor. */
const MOST_TOKENS = 1024;

/** All problems for graphics cards; fewer where the processor computes. */
function suitesOf(kind: string): Readonly<Record<string, readonly Job[]>> {
  if (kind === 'gpu')
    return {
      gemm: [...gemmJobs, ...gpuGemmJobs],
      attention: [...attentionJobs, ...gpuAttentionJobs],
      layernorm: layerNormJobs,
    };
  const attention = quickAttentionJobs.filter(({ tokens }) => tokens < MOST_TOKENS);
  return { gemm: quickGemmJobs, attention, layernorm: layerNormJobs };
}

const effortOf = (kind: string): Effort => (kind === 'gpu' ? EFFORT : ONCE);
const onRow = (row: Row): void => tell({ row });

async function run(): Promise<BenchHead> {
  using device = await Device.open();
  const { name: adapter, kind } = device.adapter;
  tell({ begins: 'peaks' });
  const peaks = await measurePeaks(device);
  const effort = effortOf(kind);
  for (const [suite, jobs] of Object.entries(suitesOf(kind)))
    for (const job of jobs) {
      const name = nameOf(job);
      tell({ begins: name });
      await attempt({ suite, name, engine: OURS }, () => runOurs(device, suite, job, effort), onRow);
    }
  for (const { row, measure } of modelProblems(device, effort)) {
    tell({ begins: row.name });
    await attempt(row, measure, onRow);
  }
  const date = new Date().toISOString();
  const cores = navigator.hardwareConcurrency;
  return { adapter, kind, processor: 'unknown: a page is not told', cores, commit, date, peaks };
}

const calls: BenchCalls = {
  peers: async () => peerNames,
  run,
  runPeer: (name, kind) => runPeer(name, suitesOf(kind), effortOf(kind), onRow),
};
const tell = serve<BenchEvent>({ ...calls });
