/** Classes with their images, as one list that stays fluid with thousands. */
import { computed, signal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { focusNext } from '../components/focus.ts';
import { Thumb } from '../components/thumb.tsx';
import { VirtualList } from '../components/virtual-list.tsx';
import { filesOfDrop } from '../project/intake.ts';
import { moveImages, renameClass } from '../project/edit.ts';
import type { ClassEntry, ImageEntry } from '../project/types.ts';
import { change, deleteClass, deleteImages, imagesByClass, project, sides, takeFiles } from '../state/project.ts';
import { telling } from '../state/session.ts';
import { t } from '../strings/index.ts';

/** Pixels of a tile with its gap, and of the two kinds of rows. */
const TILE = 84;
const HEIGHT = { head: 54, tiles: TILE, end: 14 } as const;

type Row =
  | { readonly kind: 'head'; readonly entry: ClassEntry; readonly count: number }
  | { readonly kind: 'tiles'; readonly key: string; readonly classId: string; readonly images: readonly ImageEntry[] }
  | { readonly kind: 'end'; readonly classId: string };

const columns = signal(8);
const selected = signal<ReadonlySet<string>>(new Set());

const rows = computed(() =>
  project.value.classes.flatMap((entry): Row[] => {
    const images = imagesByClass.value.get(entry.id) ?? [];
    const made: Row[] = [{ kind: 'head', entry, count: images.length }];
    for (let from = 0; from < images.length; from += columns.value)
      made.push({
        kind: 'tiles',
        key: `${entry.id} ${from}`,
        classId: entry.id,
        images: images.slice(from, from + columns.value),
      });
    return [...made, { kind: 'end', classId: entry.id }];
  }),
);

const heightOf = ({ kind }: Row): number => HEIGHT[kind];
const keyOf = (row: Row): string => (row.kind === 'head' ? row.entry.id : row.kind === 'tiles' ? row.key : `${row.classId} end`);
const onWidth = (width: number): void => {
  columns.value = Math.max(1, Math.floor(width / TILE));
};

function toggle(id: string): void {
  const next = new Set(selected.value);
  if (!next.delete(id)) next.add(id);
  selected.value = next;
}

/** Images dragged from one class to another: those that are selected, or the one that was taken. */
function dragged(event: DragEvent, id: string): void {
  const ids = selected.value.has(id) ? [...selected.value] : [id];
  event.dataTransfer?.setData('text/x-studio', ids.join(' '));
}

function dropInto(event: DragEvent, classId: string): void {
  const { dataTransfer } = event;
  const ids = dataTransfer?.getData('text/x-studio') ?? '';
  event.preventDefault();
  event.stopPropagation();
  if (ids !== '') {
    change((present) => moveImages(present, ids.split(' '), classId));
    selected.value = new Set();
  } else if (dataTransfer) void telling(async () => takeFiles(await filesOfDrop(dataTransfer), classId));
}

/** Where the keyboard goes on after what it was on has been deleted or moved. */
const LIST = '.virtual';

export const ClassList: FunctionComponent = () => (
  <div
    class="class-list"
    onKeyDown={({ key }) => {
      if (key !== 'Escape' || selected.value.size === 0) return;
      selected.value = new Set();
      focusNext(LIST);
    }}
  >
    <Selection />
    <VirtualList rows={rows.value} heightOf={heightOf} keyOf={keyOf} draw={drawRow} onWidth={onWidth} label={t().tabs.data} />
  </div>
);

function drawRow(row: Row) {
  if (row.kind === 'end') return null;
  if (row.kind === 'head') return <Head entry={row.entry} count={row.count} />;
  return (
    <div class="tiles" onDragOver={(event) => event.preventDefault()} onDrop={(event) => dropInto(event, row.classId)}>
      {row.images.map((image) => (
        <Tile key={image.id} image={image} />
      ))}
    </div>
  );
}

const Head: FunctionComponent<{ readonly entry: ClassEntry; readonly count: number }> = ({ entry, count }) => {
  const words = t().data;
  const ask = (): void => {
    if (count > 0 && !confirm(words.deleteClassAsk(entry.name, count))) return;
    void deleteClass(entry.id);
    focusNext(LIST);
  };
  return (
    <div class="class-head" onDragOver={(event) => event.preventDefault()} onDrop={(event) => dropInto(event, entry.id)}>
      <input
        type="text"
        aria-label={words.rename}
        value={entry.name}
        maxLength={200}
        onChange={({ currentTarget }) => {
          change((present) => renameClass(present, entry.id, currentTarget.value));
          currentTarget.value = project.value.classes.find(({ id }) => id === entry.id)?.name ?? '';
        }}
      />
      <span class="soft">{t().images(count)}</span>
      <button
        type="button"
        class="plain"
        aria-label={words.deleteClass(entry.name)}
        title={words.deleteClass(entry.name)}
        onClick={ask}
      >
        ×
      </button>
    </div>
  );
};

const Tile: FunctionComponent<{ readonly image: ImageEntry }> = ({ image: { id, name } }) => {
  const isTest = sides.value.get(id) === 'test';
  const isSelected = selected.value.has(id);
  return (
    <button
      type="button"
      class={`tile ${isTest ? 'test' : ''}`}
      aria-pressed={isSelected}
      aria-label={`${t().data.select(name)}${isTest ? `, ${t().data.test}` : ''}`}
      draggable
      onDragStart={(event) => dragged(event, id)}
      onClick={() => toggle(id)}
    >
      <Thumb id={id} name={name} />
    </button>
  );
};

const Selection: FunctionComponent = () => {
  const words = t().data;
  const ids = [...selected.value];
  if (ids.length === 0) return null;
  const done = (): void => {
    selected.value = new Set();
    focusNext(LIST);
  };
  return (
    <div class="selection" role="toolbar" aria-label={words.selected(ids.length)}>
      <b>{words.selected(ids.length)}</b>
      <select
        aria-label={words.moveTo}
        value=""
        onChange={({ currentTarget }) => {
          change((present) => moveImages(present, ids, currentTarget.value));
          done();
        }}
      >
        <option value="">{words.moveTo}…</option>
        {project.value.classes.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
      <button
        type="button"
        class="danger"
        onClick={() => {
          void deleteImages(ids);
          done();
        }}
      >
        {words.remove}
      </button>
      <button type="button" class="plain" onClick={done}>
        {words.clearSelection}
      </button>
    </div>
  );
};
