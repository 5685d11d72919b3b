/** Every class before and after; a click on a column sorts. */
import type { FunctionComponent } from 'preact';
import { useState } from 'preact/hooks';
import type { Metrics } from 'mudpt/core';
import { points } from '../components/format.ts';
import { t } from '../strings/index.ts';

interface ClassRow {
  readonly name: string;
  readonly test: number;
  readonly from: number | undefined;
  readonly to: number;
  readonly change: number;
  readonly f1: number;
}

type Column = keyof ClassRow;

export const ClassTable: FunctionComponent<{
  readonly names: readonly string[];
  readonly before: Metrics | undefined;
  readonly after: Metrics;
}> = ({ names, before, after }) => {
  const words = t().understand;
  const [order, setOrder] = useState<{ readonly column: Column; readonly down: boolean }>({ column: 'to', down: false });
  const rows = after.perClass.map(({ label, count, accuracy, f1 }): ClassRow => {
    const from = before?.perClass[label]?.accuracy;
    return { name: names[label] ?? '?', test: count, from, to: accuracy, change: from === undefined ? 0 : accuracy - from, f1 };
  });
  const sign = order.down ? -1 : 1;
  rows.sort((a, b) => {
    const [x, y] = [a[order.column] ?? 0, b[order.column] ?? 0];
    return sign * (typeof x === 'string' ? x.localeCompare(String(y)) : x - Number(y));
  });
  const columns: readonly (readonly [Column, string])[] = [
    ['name', words.class],
    ['test', words.test],
    ...(before ? ([['from', words.before]] as const) : []),
    ['to', words.after],
    ...(before ? ([['change', words.change]] as const) : []),
    ['f1', words.f1],
  ];
  return (
    <section class="panel">
      <h2>{words.perClass}</h2>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              {columns.map(([column, title]) => (
                <th
                  key={column}
                  class={column === 'name' ? '' : 'n'}
                  aria-sort={order.column === column ? (order.down ? 'descending' : 'ascending') : undefined}
                >
                  <button type="button" onClick={() => setOrder({ column, down: order.column === column && !order.down })}>
                    {title}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, test, from, to, change, f1 }) => (
              <tr key={name}>
                <td>{name}</td>
                <td class="n">{test}</td>
                {before && <td class="n">{from?.toFixed(1)}</td>}
                <td class="n">{to.toFixed(1)}</td>
                {before && <td class={`n ${change > 0 ? 'up' : change < 0 ? 'down' : 'soft'}`}>{points(change)}</td>}
                <td class="n">{f1.toFixed(1)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
};
