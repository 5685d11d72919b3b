/** What became of files that were dropped: added, duplicates, unreadable ones. */
import type { FunctionComponent } from 'preact';
import { notes, project } from '../state/project.ts';
import { t } from '../strings/index.ts';
import { lineOf } from '../strings/told.ts';

const MOST = 50;

export const IntakeNotesView: FunctionComponent = () => {
  const words = t().data;
  const found = notes.value;
  if (!found) return null;
  const { added, duplicates, unreadable, others } = found;
  const nameOf = (id: string): string => project.value.classes.find((one) => one.id === id)?.name ?? '?';
  const lists = [
    {
      title: words.duplicates(duplicates.length),
      rows: duplicates.map(({ name, of }) => `${name} = ${of.name} ${words.inClass(nameOf(of.classId))}`),
    },
    {
      title: words.unreadable(unreadable.length),
      rows: unreadable.map(({ path, told }) => {
        const line = lineOf(told, t());
        return line.includes(path) ? line : `${path}: ${line}`;
      }),
    },
    { title: words.others(others.length), rows: others },
  ].filter(({ rows }) => rows.length > 0);
  return (
    <div class={`notice ${lists.length > 0 ? 'warn' : 'good'}`} role="status">
      <div>
        {words.added(added)}
        {lists.map(({ title, rows }) => (
          <details key={title}>
            <summary>{title}</summary>
            <ul>
              {rows.slice(0, MOST).map((row) => (
                <li key={row}>{row}</li>
              ))}
              {rows.length > MOST && <li>…</li>}
            </ul>
          </details>
        ))}
      </div>
      <button type="button" class="plain" aria-label={t().close} onClick={() => (notes.value = undefined)}>
        ×
      </button>
    </div>
  );
};
