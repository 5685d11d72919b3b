/** The bench as a page: every figure is of a result that was checked. */
import type { FunctionComponent } from 'preact';
import { type Row, type ShownRow, SUITES } from '../bench/protocol.ts';
import { chosen, head, isRunning, now, problems, resultsText, rows, runBench } from '../bench/results.ts';
import { save } from '../project/save.ts';
import { isBusy, telling } from '../state/session.ts';
import { t } from '../strings/index.ts';
import { lineOf } from '../strings/told.ts';

/** Work a second, where the row counts it. */
function rateOf({ best, flops = 0, bytes = 0 }: Row): string {
  if (flops > 0) return `${(flops / best / 1e6).toFixed(1)} GFLOP/s`;
  return bytes > 0 ? `${(bytes / best / 1e6).toFixed(1)} GB/s` : '';
}

export const BenchView: FunctionComponent = () => {
  const words = t().bench;
  const found = head.value;
  const download = (): void => {
    if (found) save(`${found.kind}-studio.json`, new Blob([resultsText(found)], { type: 'application/json' }));
  };
  return (
    <>
      <header class="lead">
        <h1>{words.title}</h1>
        <p>{words.lead}</p>
      </header>
      <Choice />
      <div class="controls">
        <button
          type="button"
          class="primary"
          disabled={isRunning.value || isBusy.value || chosen.value.length === 0}
          onClick={() => void telling(() => runBench())}
        >
          {isRunning.value ? words.running : words.run}
        </button>
        {found && (
          <button type="button" onClick={download}>
            {words.download}
          </button>
        )}
        <span class="state soft" role="status">
          {isBusy.value && words.busy}
          {isRunning.value && (now.value === 'peaks' ? words.peaks : now.value)}
          {found && !isRunning.value && words.done(rows.value.filter(({ problem }) => problem === undefined).length)}
        </span>
      </div>
      {found && (
        <dl class="panel facts">
          <dt>{words.adapter}</dt>
          <dd>{found.adapter}</dd>
          <dt>{words.peak}</dt>
          <dd>
            {found.peaks.gflops.toFixed(0)} GFLOP/s, {found.peaks.gbps.toFixed(1)} GB/s
          </dd>
        </dl>
      )}
      {problems.value.length > 0 && <Rows />}
    </>
  );
};

/** What is measured. */
const Choice: FunctionComponent = () => (
  <fieldset class="suites" disabled={isRunning.value}>
    <legend class="spoken">{t().bench.suitesTitle}</legend>
    {SUITES.map((suite) => (
      <label key={suite}>
        <input
          type="checkbox"
          checked={chosen.value.includes(suite)}
          onChange={({ currentTarget }) =>
            (chosen.value = SUITES.filter((one) => (one === suite ? currentTarget.checked : chosen.value.includes(one))))
          }
        />
        {t().bench.suites[suite]}
      </label>
    ))}
  </fieldset>
);

const Rows: FunctionComponent = () => {
  const words = t().bench;
  return (
    <section class="panel scroll" tabIndex={0} aria-label={words.title}>
      <table>
        <thead>
          <tr>
            <th>{words.what}</th>
            <th>{words.engine}</th>
            <th class="n">{words.best}</th>
            <th class="n">{words.median}</th>
            <th class="n">{words.rate}</th>
            <th class="n">{words.error}</th>
          </tr>
        </thead>
        <tbody>
          {problems.value.flatMap((group) =>
            group.map((row, place) => (
              <tr key={`${row.name} ${row.engine}`} class={place > 0 ? 'same' : ''}>
                {place === 0 ? <td rowSpan={group.length}>{row.name}</td> : null}
                <td>{row.engine}</td>
                {row.problem === undefined ? <Measured row={row} /> : <NotMeasured row={row} />}
              </tr>
            )),
          )}
        </tbody>
      </table>
    </section>
  );
};

const Measured: FunctionComponent<{ readonly row: Row }> = ({ row }) => (
  <>
    <td class="n">{row.best.toFixed(2)}</td>
    <td class="n">{row.median.toFixed(2)}</td>
    <td class="n">{rateOf(row)}</td>
    <td class="n">{row.error?.toExponential(1)}</td>
  </>
);

/** Why there are no figures: in words of the page, or the message of what failed. */
const NotMeasured: FunctionComponent<{ readonly row: ShownRow }> = ({ row: { told, problem } }) =>
  told ? (
    <td class="soft problem" colSpan={4}>
      {t().bench.notMeasured(lineOf(told, t()))}
    </td>
  ) : (
    <td class="bad problem" colSpan={4} lang="en">
      {problem}
    </td>
  );
