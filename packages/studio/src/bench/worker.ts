/** The bench on the visitor's adapter: the repository's own problems and checks. */
import { Device } from '@mudpt/tensor';
import { type Effort, type Row } from '../../../../bench/harness.ts';
import { attentionJobs } from '../../../../bench/suites/attention.ts';
import { gemmJobs } from '../../../../bench/suites/gemm.ts';
import { layerNormJobs } from '../../../../bench/suites/layernorm.ts';
import { runOurs } from '../../../../bench/suites/ours.ts';
import { serve } from '../worker/rpc.ts';
import { modelRows } from './models.ts';
import type { BenchCalls, BenchEvent, BenchHead } from './protocol.ts';

const EFFORT: Effort = { seconds: 1, samples: 10, least: 2 };
/** Longer attention takes minutes on adapters that compute on the processor. */
const MOST_TOKENS = 1024;

async function run(): Promise<BenchHead> {
  using device = await Device.open();
  const { name: adapter, kind } = device.adapter;
  const head = {
    adapter,
    kind,
    processor: 'unknown: a page is not told',
    cores: navigator.hardwareConcurrency,
    date: new Date().toISOString(),
  };
  const onRow = (row: Row): void => tell({ row });
  const attention = attentionJobs.filter(({ tokens }) => kind === 'gpu' || tokens < MOST_TOKENS);
  for (const job of gemmJobs) onRow(await runOurs(device, 'gemm', job, EFFORT));
  for (const job of attention) onRow(await runOurs(device, 'attention', job, EFFORT));
  for (const job of layerNormJobs) onRow(await runOurs(device, 'layernorm', job, EFFORT));
  await modelRows(device, EFFORT, onRow);
  return head;
}

const calls: BenchCalls = { run };
const tell = serve<BenchEvent>({ ...calls });
