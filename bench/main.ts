/**
 * `pnpm bench [--adapter KIND] [SUITE...] [--quick] [--peers] [--classes LIST] [--methods LIST] [--out FOLDER]`: measures this engine, and others beside it, on the adapter the launcher chose.
 * Every result is checked against an f64 reference before its time counts. Run it on a machine that does nothing else.
 */
import { parseArgs } from 'node:util';
import { Device } from '@mudpt/tensor';
import { type Effort, FULL, hasFailed, notMeasured, QUICK, type Row, tell } from './harness.ts';
import type { Job } from './jobs.ts';
import { measurePeaks } from '@mudpt/testing/measure/peaks';
import { installPeers } from './peers/install.ts';
import { errandOf, peers, runPeer } from './peers/peer.ts';
import { headOf, RESULTS, writeResults } from './results.ts';
import { attentionJobs, gpuAttentionJobs, quickAttentionJobs } from './suites/attention.ts';
import { gemmJobs, gpuGemmJobs, quickGemmJobs } from './suites/gemm.ts';
import { ladder } from './suites/ladder.ts';
import { layerNormJobs } from './suites/layernorm.ts';
import { curves, memory } from './suites/memory.ts';
import { learners, methods } from './suites/methods.ts';
import { OURS, runOurs } from './suites/ours.ts';
import { packedAttention } from './suites/packed.ts';
import { startup } from './suites/startup.ts';
import { stepRows } from './suites/step.ts';
import { towers } from './suites/towers.ts';
import { training } from './suites/training.ts';
import { table } from './table.ts';

const JOB_SUITES: Readonly<Record<string, { readonly full: readonly Job[]; readonly quick: readonly Job[] }>> = {
  gemm: { full: gemmJobs, quick: quickGemmJobs },
  attention: { full: attentionJobs, quick: quickAttentionJobs },
  layernorm: { full: layerNormJobs, quick: layerNormJobs },
};
type Options = {
  readonly quick: boolean;
  readonly folder: string | undefined;
  /** Class counts of a training step; default the suite's own. */
  readonly classes: readonly number[] | undefined;
  /** Methods of the suite methods; default all. */
  readonly names: readonly string[] | undefined;
};
/** Suites whose steps take minutes on an adapter; left out where it shall be quick. */
const SLOW: Readonly<Record<string, readonly string[]>> = { swiftshader: ['training', 'curves', 'methods'] };
/** With more classes, 77 rows each take more memory and time than a bench may. */
const MOST_PLAIN = 100;
/** What a GPU is given beside: the rest is too small to fill one. */
const GPU_JOBS: Readonly<Record<string, readonly Job[]>> = { gemm: gpuGemmJobs, attention: gpuAttentionJobs };
/** Suites that are more than a list of jobs. */
const DEVICE_SUITES: Readonly<Record<string, (device: Device, effort: Effort, options: Options) => Promise<Row[]>>> = {
  towers: (device, effort, { quick, folder }) => towers(device, effort, { classes: quick ? 10 : 100, peers, folder }),
  training: (device, effort, { quick, folder, classes }) => {
    const counts = classes ?? (quick ? [10] : [10, 100]);
    const plainCounts = counts.filter((count) => count <= MOST_PLAIN);
    return training(device, effort, { counts, plainCounts, torch: folder !== undefined });
  },
  memory: (device, _, { quick, classes }) => memory(device, { counts: classes ?? (quick ? [10, 100] : [10, 100, 1000]), quick }),
  methods: (device, effort, { classes, names }) => methods(device, effort, { classes: classes?.[0] ?? 10, names }),
  curves,
  ladder,
  step: stepRows,
  startup,
};
const ALL = [...Object.keys(JOB_SUITES), ...Object.keys(DEVICE_SUITES)];

const USAGE = `usage: pnpm bench [--adapter KIND] [SUITE...] [--quick] [--peers] [--classes LIST] [--methods LIST] [--out FOLDER]
suites: ${ALL.join(', ')} (default: all)
--adapter  gpu, lavapipe, swiftshader or software; default: the fastest there is
--quick  fewer problems and samples, under 3 minutes
--peers  jax-js, TensorFlow.js and ONNX Runtime on the same adapter in the same run, installed on demand outside the workspace
--classes  class counts of the suites training and memory, such as 10,100,1000
--methods  those of the suite methods beside MuDPT, such as dept,atprompt; default: all that learn in the towers
--out    the folder for a JSON file a suite, <adapter>-<suite>.json, with --classes or --methods <adapter>-<suite>-<list>.json; default bench/results`;

async function runSuite(device: Device, suite: string, options: Options): Promise<Row[]> {
  const effort = options.quick ? QUICK : FULL;
  const { kind } = device.adapter;
  if (options.quick && SLOW[kind]?.includes(suite))
    return [notMeasured({ suite, name: suite, engine: OURS }, `it takes minutes on ${kind}; run it without --quick`)];
  const special = DEVICE_SUITES[suite];
  if (special) return special(device, effort, options);
  const everywhere = JOB_SUITES[suite]?.[options.quick ? 'quick' : 'full'] ?? [];
  const jobs = kind === 'gpu' ? [...everywhere, ...(GPU_JOBS[suite] ?? [])] : everywhere;
  const rows: Row[] = [];
  for (const job of jobs) rows.push(await runOurs(device, suite, job, effort));
  if (suite === 'attention') rows.push(...(await packedAttention(device, effort, options.quick ? [10] : [10, 100])));
  const { folder } = options;
  if (!folder) return rows;
  for (const peer of peers) {
    const errands = jobs.map((job) => errandOf(suite, job, peer, folder));
    rows.push(...(await runPeer(folder, peer, errands, effort)));
  }
  return rows;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      peers: { type: 'boolean', default: false },
      classes: { type: 'string' },
      methods: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const classes = values.classes?.split(',').map(Number);
  if (classes?.some((count) => !Number.isInteger(count) || count < 1)) {
    console.error(`bench: --classes ${values.classes} is no list of counts\n${USAGE}`);
    return 2;
  }
  const names = values.methods?.split(',');
  const stranger = names?.find((name) => !learners().includes(name));
  if (stranger !== undefined) {
    console.error(`bench: there is no method '${stranger}' to measure; there are ${learners().join(', ')}`);
    return 2;
  }
  const unknown = positionals.filter((name) => !ALL.includes(name));
  if (values.help || unknown.length > 0) {
    console.error(unknown.length > 0 ? `bench: there is no suite '${unknown.join("', '")}'\n${USAGE}` : USAGE);
    return values.help ? 0 : 2;
  }
  const folder = values.peers ? await installPeers() : undefined;
  const device = await Device.open();
  const peaks = await measurePeaks(device);
  tell(`adapter ${device.adapter.name}: peak ${peaks.gflops.toFixed(1)} GFLOP/s, ${peaks.gbps.toFixed(1)} GB/s`);
  const head = headOf(device, peaks);
  const out = values.out ?? RESULTS;
  let isWhole = true;
  for (const suite of positionals.length > 0 ? positionals : ALL) {
    tell(suite);
    const measured = await runSuite(device, suite, { quick: values.quick, folder, classes, names });
    console.log(`\n${suite}\n${table(measured, peaks).join('\n')}`);
    // Runs of some classes or methods are no whole suite: they get a file of their name.
    tell(`written to ${writeResults(out, head, [suite, ...(classes ?? []), ...(names ?? [])].join('-'), measured)}`);
    isWhole &&= !measured.some((row) => row.engine === OURS && hasFailed(row));
  }
  device.dispose();
  return isWhole ? 0 : 1;
}

process.exitCode = await main();
