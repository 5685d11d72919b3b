/** The page around the report's sections: styles and one script. It is self-contained, without other files, fonts or servers. */
import { printableJson } from '@mudpt/clip';
import { html, type Markup, trusted } from './markup.ts';

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2126; --soft: #5c6670; --line: #dde2e7; --accent: #0072b2; --ground: #fff; --panel: #f6f8fa; --track: #e7ebef;
  --before: #9aa3ab; --up: #12805c; --down: #b3402a; --note: #fff9e8; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.2rem 1.2rem 5rem; max-width: 1020px; background: var(--ground); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1, h2, h3, p, td, figure { overflow-wrap: anywhere; } h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
h1 { font-size: 1.55rem; margin: 0 0 .2rem; letter-spacing: -.01em; } h2 { font-size: 1.12rem; margin: 2.6rem 0 .7rem; }
p { margin: .4rem 0; } .soft { color: var(--soft); } code, pre { font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, monospace; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; overflow-x: auto; }
.numbers { display: flex; flex-wrap: wrap; gap: .9rem; margin: 1.3rem 0 .4rem; }
.number { flex: 1 1 140px; background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: .85rem 1rem; }
.number b { display: block; font-size: 1.85rem; line-height: 1.15; font-weight: 650; letter-spacing: -.02em; }
.number.main b { color: var(--accent); } .track { position: relative; height: 10px; border-radius: 5px; background: var(--track); margin: 1rem 0 .3rem; }
.track i { position: absolute; left: 0; top: 0; bottom: 0; border-radius: 5px; } .track .after { background: var(--accent); } .track .before { background: var(--before); } .track .lost { background: var(--down); }
.row { display: flex; flex-wrap: wrap; gap: 1.2rem; } .row > * { flex: 1 1 420px; min-width: 0; } .row.classes-beside > div { flex: 1 1 360px; } .row.classes-beside > .scroll { flex: 1.4 1 560px; } .scroll { overflow-x: auto; } svg { max-width: 100%; height: auto; background: none !important; } .scroll svg { max-width: none; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; } th { text-align: left; color: var(--soft); font-weight: 600; cursor: pointer; }
td:first-child { min-width: 9rem; } .long { max-height: 34rem; overflow: auto; content-visibility: auto; contain-intrinsic-size: auto 34rem; border: 1px solid var(--line); border-radius: 8px; } .long th { position: sticky; top: 0; background: var(--ground); }
.tools { display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; } .tools input, .tools button { font: inherit; font-size: 13px; padding: .3rem .6rem; border: 1px solid var(--line); border-radius: 6px; background: var(--panel); color: var(--ink); } .tools button { cursor: pointer; }
.pair { cursor: pointer; } th, td { padding: .28rem .55rem; border-bottom: 1px solid var(--line); } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } td.n { white-space: nowrap; overflow-wrap: normal; }
.up { color: var(--up); } .down { color: var(--down); } .pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(96px, 1fr)); gap: .7rem; } .pictures figure { margin: 0; font-size: 12px; line-height: 1.35; }
.pictures img { width: 64px; height: 64px; object-fit: contain; border: 1px solid var(--line); border-radius: 6px; background: white; display: block; margin-bottom: .25rem; }
.pictures img.example { width: 30px; height: 30px; display: inline-block; margin: 0 .2rem .1rem 0; }
.matrix [data-cell], .raster { cursor: pointer; } .raster { display: block; width: min(100%, 720px); image-rendering: pixelated; border: 1px solid var(--line); } #cell { margin-top: .6rem; } .note { border-left: 3px solid #e0a100; padding: .2rem .8rem; background: var(--note); }
.key { white-space: nowrap; margin-right: .9rem; font-size: 12.5px; } .key i { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .35em; }
dl { display: grid; grid-template-columns: repeat(2, max-content 1fr); gap: .15rem 1.1rem; margin: .3rem 0; font-size: 13.5px; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 560px) { body { padding: 1.2rem .9rem 3rem; } dl { grid-template-columns: max-content 1fr; } .row > * { flex-basis: 100%; } .number b { font-size: 1.5rem; } th, td { padding: .28rem .4rem; } }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8eb; --soft: #9ba5ae; --line: #333a41; --accent: #5db4ea; --ground: #14171a; --panel: #1d2125; --track: #2a3036; --before: #77818a;
    --up: #58c29a; --down: #ec8a72; --note: #2e2815; }
  svg { filter: invert(1) hue-rotate(180deg); }
}
`;

/**
 * Sorts a table by the column that is clicked or by a button's, finds classes by words, and shows the images of the pair of classes that is
 * clicked in the matrix or in the table of pairs.
 */
const SCRIPT = `
const sort = (table, column, down) => {
  const value = (row) => { const text = row.cells[column].dataset.value ?? row.cells[column].textContent; const n = Number(text); return Number.isNaN(n) ? text : n; };
  const rows = [...table.tBodies[0].rows].sort((a, b) => { const [x, y] = [value(a), value(b)]; return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1); });
  table.tBodies[0].append(...rows);
};
for (const head of document.querySelectorAll('th')) head.addEventListener('click', () => {
  const down = head.dataset.down !== 'yes'; head.dataset.down = down ? 'yes' : 'no';
  sort(head.closest('table'), head.cellIndex, down);
});
const tools = document.querySelector('.tools'), classes = document.querySelector('.classes');
if (tools && classes) {
  const told = tools.querySelector('span'), rows = [...classes.tBodies[0].rows];
  tools.querySelector('input').addEventListener('input', (event) => {
    const words = event.target.value.toLowerCase().split(' ').filter(Boolean); let count = 0;
    for (const row of rows) { const fits = words.every((word) => row.cells[0].textContent.toLowerCase().includes(word)); row.hidden = !fits; count += fits; }
    told.textContent = words.length ? count + ' of ' + rows.length : '';
  });
  for (const button of tools.querySelectorAll('button')) button.addEventListener('click', () => sort(classes, Number(button.dataset.column), button.dataset.down === 'yes'));
  sort(classes, 4, false);
}
const shown = document.getElementById('cell');
if (shown) {
  const { size, cells, counts, thumbnails, names } = JSON.parse(document.getElementById('cells').textContent);
  const countOf = new Map();
  for (let i = 0, place = 0; i < counts.length; i += 2) { place += counts[i]; countOf.set(place, counts[i + 1]); }
  const show = (index) => {
    const truth = Math.floor(index / size), guess = index % size, ids = cells[truth + ',' + guess] ?? [], count = countOf.get(index) ?? 0;
    shown.replaceChildren();
    const title = document.createElement('p'); title.textContent = names[truth] + (truth === guess ? ' recognised: ' : ' taken for ' + names[guess] + ': ') + count + (ids.length > 0 && ids.length < count ? ', ' + ids.length + ' of them here' : '');
    const list = document.createElement('div'); list.className = 'pictures';
    for (const id of ids) { const image = document.createElement('img'); image.src = thumbnails[id]; image.title = image.alt = id; list.append(image); }
    shown.append(title, list); shown.scrollIntoView({ block: 'nearest' });
  };
  for (const cell of document.querySelectorAll('[data-cell]')) cell.addEventListener('click', () => show(Number(cell.dataset.cell)));
  const raster = document.querySelector('.raster');
  if (raster) raster.addEventListener('click', (event) => {
    const place = (offset, length) => Math.max(0, Math.min(size - 1, Math.floor(size * offset / length)));
    show(place(event.offsetY, raster.clientHeight) * size + place(event.offsetX, raster.clientWidth));
  });
}
`;

/** A whole page of HTML around sections; undefined ones are left out. */
export function page(title: string, sections: readonly (Markup | undefined)[]): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${trusted(STYLE)}</style></head>
<body>${sections}<script>${trusted(SCRIPT)}</script></body></html>
`.text;
}

/** Data for the script, in which no name can end the element or begin a comment: "<" does not occur. */
export function data(id: string, value: unknown): Markup {
  return html`<script type="application/json" id="${id}">${trusted(printableJson(value).replaceAll('<', '\\u003c'))}</script>`;
}
