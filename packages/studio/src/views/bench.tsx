/** The bench as a page: every figure is of a result that was checked. */
import { signal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import type { BenchCalls, BenchEvent, BenchHead, Row } from '../bench/protocol.ts';
import { save } from '../project/save.ts';
import { telling } from '../state/session.ts';
import { t } from '../strings/index.ts';
import { Client } from '../worker/rpc.ts';

const rows = signal<readonly Row[]>([]);
const head = signal<BenchHead | undefined>(undefined);
const isRunning = signal(false);

async function run(): Promise<void> {
  rows.value = [];
  head.value = undefined;
  isRunning.value = true;
  const worker = new Worker(new URL('../worker/main.ts', import.meta.url), { type: 'module', name: 'bench' });
  const client = new Client<BenchCalls, BenchEvent>(worker, ({ row }) => {
    rows.value = [...rows.value, row];
  });
  head.value = await telling(() => client.call('run'));
  worker.terminate();
  isRunning.value = false;
}

/** Work a second, where the row counts it. */
function rateOf({ best, flops = 0, bytes = 0 }: Row): string {
  if (flops > 0) return `${(flops / best / 1e6).toFixed(1)} GFLOP/s`;
  return bytes > 0 ? `${(bytes / best / 1e6).toFixed(1)} GB/s` : '';
}

export const BenchView: FunctionComponent = () => {
  const words = t().bench;
  const found = head.value;
  const download = (): void => {
    if (!found) return;
    const results = { ...found, commit: 'studio', peaks: null, userAgent: navigator.userAgent, rows: rows.value };
    save(`${found.kind}-studio.json`, new Blob([`${JSON.stringify(results, undefined, 1)}\n`], { type: 'application/json' }));
  };
  return (
    <>
      <header class="lead">
        <h1>{words.title}</h1>
        <p>{words.lead}</p>
      </header>
      <div class="controls">
        <button type="button" class="primary" disabled={isRunning.value} onClick={() => void run()}>
          {isRunning.value ? words.running : words.run}
        </button>
        {found && (
          <button type="button" onClick={download}>
            {words.download}
          </button>
        )}
      </div>
      {rows.value.length > 0 && (
        <section class="panel scroll">
          <table>
            <thead>
              <tr>
                <th>{words.what}</th>
                <th class="n">{words.best}</th>
                <th class="n">{words.median}</th>
                <th class="n">{words.rate}</th>
                <th class="n">{words.error}</th>
              </tr>
            </thead>
            <tbody>
              {rows.value.map((row) => (
                <tr key={row.name}>
                  <td>{row.name}</td>
                  <td class="n">{row.best.toFixed(2)}</td>
                  <td class="n">{row.median.toFixed(2)}</td>
                  <td class="n">{rateOf(row)}</td>
                  <td class={`n ${row.problem === undefined ? '' : 'bad'}`}>{row.problem ?? row.error?.toExponential(1)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  );
};
