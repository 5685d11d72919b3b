/** The bench as the page shows it: one engine after another, each in a worker of its own. */
import { computed, signal } from '@preact/signals';
import type { Results } from '../../../../bench/results.ts';
import { Client, toldOf } from '../worker/rpc.ts';
import { type BenchCalls, type BenchEvent, type BenchHead, type PeerFacts, type Row, type Suite, SUITES } from './protocol.ts';

export const rows = signal<readonly Row[]>([]);
export const head = signal<BenchHead | undefined>(undefined);
export const peers = signal<readonly PeerFacts[]>([]);
/** What a person wants measured. */
export const chosen = signal<readonly Suite[]>(SUITES);
/** What is being measured; undefined: nothing. */
export const now = signal<string | undefined>(undefined);
export const isRunning = signal(false);
/** Engines that did not open, and why. */
export const failures = signal<readonly { readonly name: string; readonly problem: string }[]>([]);

/** Problems with their rows together, in the order in which they were begun. */
export const problems = computed(() => {
  const groups = new Map<string, Row[]>();
  for (const row of rows.value) groups.set(row.name, [...(groups.get(row.name) ?? []), row]);
  return [...groups.values()];
});

/** A device and a worker of its own, which both end with it. */
async function withWorker<T>(work: (client: Client<BenchCalls, BenchEvent>) => Promise<T>): Promise<T> {
  const worker = new Worker(new URL('../worker/main.ts', import.meta.url), { type: 'module', name: 'bench' });
  try {
    const onEvent = (event: BenchEvent): void => {
      if ('row' in event) rows.value = [...rows.value, event.row];
      else now.value = event.begins;
    };
    return await work(new Client<BenchCalls, BenchEvent>(worker, onEvent));
  } finally {
    worker.terminate();
  }
}

/** @throws StudioError where our own engine fails; a peer that fails is told in {@link failures} */
export async function runBench(): Promise<void> {
  const suites = chosen.value;
  rows.value = [];
  failures.value = [];
  head.value = undefined;
  isRunning.value = true;
  try {
    const found = await withWorker(async (client) => {
      peers.value = await client.call('peers');
      return client.call('run', suites);
    });
    for (const { name } of peers.value.filter(({ isBuiltIn }) => isBuiltIn)) {
      now.value = name;
      try {
        await withWorker((client) => client.call('runPeer', name, found.kind, suites));
      } catch (error) {
        failures.value = [...failures.value, { name, problem: toldOf(error).problem }];
      }
    }
    head.value = found;
  } finally {
    isRunning.value = false;
    now.value = undefined;
  }
}

/** In the form of `bench/results`, all suites in one. */
export function resultsText(found: BenchHead): string {
  const whole: Results & { readonly userAgent: string } = { ...found, userAgent: navigator.userAgent, rows: rows.value };
  return `${JSON.stringify(whole, undefined, 1)}\n`;
}
