/** The bench on the visitor's adapter: the repository's own problems and checks. */
import { Device } from '@mudpt/tensor';
import { measurePeaks } from '@mudpt/testing/measure/peaks';
import commit from 'virtual:commit';
import type { Effort } from '../../../../bench/harness.ts';
import { type Job, nameOf } from '../../../../bench/jobs.ts';
import { attentionJobs, gpuAttentionJobs, quickAttentionJobs } from '../../../../bench/suites/attention.ts';
import { gemmJobs, gpuGemmJobs, quickGemmJobs } from '../../../../bench/suites/gemm.ts';
import { layerNormJobs } from '../../../../bench/suites/layernorm.ts';
import { OURS, runOurs } from '../../../../bench/suites/ours.ts';
import { serve } from '../worker/rpc.ts';
import { attempt } from './attempt.ts';
import { modelProblems } from './models.ts';
import { peerNames, runPeer } from './peers.ts';
import type { BenchCalls, BenchEvent, BenchHead, ShownRow, Suite } from './protocol.ts';

const EFFORT: Effort = { seconds: 1, samples: 10, least: 2 };
/** Effort for problems that take seconds. */
const ONCE: Effort = { seconds: 1, samples: 5, least: 1 };
/** Longer attention takes minutes on adapters that compute on the processor. */
const MOST_TOKENS = 1024;

/** Problems of single operations: all for graphics cards; fewer where the processor computes. */
function suitesOf(kind: string, chosen: readonly Suite[]): Readonly<Record<string, readonly Job[]>> {
  const isGpu = kind === 'gpu';
  const all: Readonly<Partial<Record<Suite, readonly Job[]>>> = {
    gemm: isGpu ? [...gemmJobs, ...gpuGemmJobs] : quickGemmJobs,
    attention: isGpu ? [...attentionJobs, ...gpuAttentionJobs] : quickAttentionJobs.filter(({ tokens }) => tokens < MOST_TOKENS),
    layernorm: layerNormJobs,
  };
  return Object.fromEntries(chosen.flatMap((suite) => (all[suite] ? [[suite, all[suite]]] : [])));
}

const effortOf = (kind: string): Effort => (kind === 'gpu' ? EFFORT : ONCE);
const onRow = (row: ShownRow): void => tell({ row });

async function run(suites: readonly Suite[]): Promise<BenchHead> {
  using device = await Device.open();
  const { name: adapter, kind } = device.adapter;
  tell({ begins: 'peaks' });
  const peaks = await measurePeaks(device);
  const effort = effortOf(kind);
  for (const [suite, jobs] of Object.entries(suitesOf(kind, suites)))
    for (const job of jobs) {
      const name = nameOf(job);
      tell({ begins: name });
      await attempt({ suite, name, engine: OURS }, () => runOurs(device, suite, job, effort), onRow);
    }
  for (const { row, measure } of modelProblems(device, effort)) {
    if (!(suites as readonly string[]).includes(row.suite)) continue;
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
  runPeer: (name, kind, suites) => runPeer(name, suitesOf(kind, suites), effortOf(kind), onRow),
};
const tell = serve<BenchEvent>({ ...calls });
