/** The bench as the page shows it: one engine after another, each in a worker of its own. */
import { computed, signal } from '@preact/signals';
import type { Results } from '../../../../bench/results.ts';
import { Client, pageError, StudioError, toldOf } from '../worker/rpc.ts';
import { missingRows } from './absent.ts';
import {
  type BenchCalls,
  type BenchEvent,
  type BenchHead,
  type PeerFacts,
  type ShownRow,
  type Suite,
  SUITES,
} from './protocol.ts';

export const rows = signal<readonly ShownRow[]>([]);
export const head = signal<BenchHead | undefined>(undefined);
export const peers = signal<readonly PeerFacts[]>([]);
/** What a person wants measured. */
export const chosen = signal<readonly Suite[]>(SUITES);
/** What is being measured; undefined: nothing. */
export const now = signal<string | undefined>(undefined);
export const isRunning = signal(false);

/** Problems with their rows together, in the order in which they were begun. */
export const problems = computed(() => {
  const groups = new Map<string, ShownRow[]>();
  for (const row of rows.value) groups.set(row.name, [...(groups.get(row.name) ?? []), row]);
  return [...groups.values()];
});

/** Seconds without a word after which another engine is given up: it may wait for a device that never comes. */
const MOST_SILENCE = 180;

/** A device and a worker of its own, which both end with it. @param onEvent after the page has taken it */
async function withWorker<T>(
  work: (client: Client<BenchCalls, BenchEvent>) => Promise<T>,
  onEvent: () => void = () => undefined,
): Promise<T> {
  const worker = new Worker(new URL('../worker/main.ts', import.meta.url), { type: 'module', name: 'bench' });
  try {
    const take = (event: BenchEvent): void => {
      if ('row' in event) rows.value = [...rows.value, event.row];
      else now.value = event.begins;
      onEvent();
    };
    return await work(new Client<BenchCalls, BenchEvent>(worker, take));
  } finally {
    worker.terminate();
  }
}

/** @param silence seconds @throws StudioError where the engine does not open, or ends or is silent before it is done */
async function runPeer(name: string, kind: string, suites: readonly Suite[], silence: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let restart = (): void => undefined;
  const isSilent = new Promise<never>((_, reject) => {
    restart = () => {
      clearTimeout(timer);
      timer = setTimeout(() => reject(pageError('peerSilent', String(silence))), 1000 * silence);
    };
  });
  restart();
  try {
    await withWorker((client) => Promise.race([client.call('runPeer', name, kind, suites), isSilent]), restart);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws StudioError where our own engine fails; what other engines were not measured on is told in their rows */
export async function runBench(silence = MOST_SILENCE): Promise<void> {
  const suites = chosen.value;
  rows.value = [];
  head.value = undefined;
  isRunning.value = true;
  try {
    const found = await withWorker(async (client) => {
      peers.value = await client.call('peers');
      return client.call('run', suites);
    });
    const measured = rows.value;
    for (const { name, isBuiltIn } of peers.value) {
      now.value = name;
      let why = pageError('peerAbsent');
      if (isBuiltIn) {
        why = pageError('peerLacks');
        try {
          await runPeer(name, found.kind, suites, silence);
        } catch (error) {
          why = error instanceof StudioError && error.told.said ? error : pageError('peerFailed', toldOf(error).problem);
        }
      }
      rows.value = [...rows.value, ...missingRows(rows.value, measured, name, why)];
    }
    head.value = found;
  } finally {
    isRunning.value = false;
    now.value = undefined;
  }
}

/** In the form of `bench/results`, all suites in one. */
export function resultsText(found: BenchHead): string {
  const plain = rows.value.map((row) => {
    const { told: _, ...figures } = row;
    return figures;
  });
  const whole: Results & { readonly userAgent: string } = { ...found, userAgent: navigator.userAgent, rows: plain };
  return `${JSON.stringify(whole, undefined, 1)}\n`;
}
