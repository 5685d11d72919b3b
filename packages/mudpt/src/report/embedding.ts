/** The plane of a run's features before and after learning: computed beside the event loop, and drawn by class. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { printable } from '@mudpt/clip';
import { nth } from '@mudpt/tensor/internal';
import { Piscina } from 'piscina';
import { readableName } from '../data/index.ts';
import { untilAborted } from '../event-loop.ts';
import type { SampledFeatures } from '../evaluation/feature-sample.ts';
import type { Embedding, RunSummary } from '../runs/index.ts';
import { html, type Markup } from './markup.ts';
import { LEAST_IMAGES, type Plane, type PlaneTask } from './plane.ts';

/** Pixels of a drawing's side, of a dot, and of the margin. */
const [SIDE, RADIUS, MARGIN] = [470, 3.2, 10];
/** Classes with a name in the legend. */
const MOST_NAMED = 30;

/**
 * Lays out features in threads of their own.
 * @returns undefined for fewer than ten images
 * @throws the signal's reason once it is aborted
 */
export async function embeddingOf(
  { items, width, frozen, tuned, tunedWidth = width }: SampledFeatures,
  signal?: AbortSignal,
): Promise<Embedding | undefined> {
  if (items.length < LEAST_IMAGES) return undefined;
  const tasks = [{ rows: frozen, width }, ...(tuned ? [{ rows: tuned, width: tunedWidth }] : [])];
  const [before, after] = await Promise.all(tasks.map((task) => inThread(task, signal)));
  const planes = { zeroShot: rounded(before ?? []), ...(after && { tuned: rounded(after) }) };
  return { images: items.map(({ id, label }) => ({ id, label })), ...planes };
}

async function inThread(task: PlaneTask, signal?: AbortSignal): Promise<Plane> {
  signal?.throwIfAborted();
  const { resolve } = createRequire(import.meta.url);
  const path = resolve('#plane-worker');
  // JavaScript once built; in the source tree a thread needs tsx to read TypeScript.
  const execArgv = path.endsWith('.ts') ? ['--import', pathToFileURL(resolve('tsx')).href] : undefined;
  const pool = new Piscina<PlaneTask, Plane>({
    ...{ filename: pathToFileURL(path).href, minThreads: 1, maxThreads: 1 },
    ...(execArgv && { execArgv }),
  });
  try {
    return await untilAborted(pool.run(task), signal);
  } finally {
    // Ends the thread, even in the middle of its work when it was asked to stop.
    const ended = pool.destroy();
    if (!signal?.aborted) await ended;
  }
}

/** To pixels, with one digit. */
function rounded(plane: Plane): Plane {
  const range = (axis: 0 | 1): { low: number; scale: number } => {
    const values = plane.map((point) => point[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return { low, scale: (SIDE - 2 * MARGIN) / Math.max(1e-9, high - low) };
  };
  const [x, y] = [range(0), range(1)];
  const pixel = (value: number, { low, scale }: { low: number; scale: number }): number =>
    Math.round(10 * (MARGIN + (value - low) * scale)) / 10;
  return plane.map(([a, b]) => [pixel(a, x), pixel(b, y)] as const);
}

/** Neighbouring classes get colours far apart on the wheel. */
function colourOf(label: number): string {
  const turn = (label * 137.508) % 360;
  return `hsl(${turn.toFixed(0)} ${[68, 52, 85][label % 3]}% ${[42, 58, 34][Math.floor(label / 3) % 3]}%)`;
}

/** Every dot is an image, every group a class, whose name shows where one points at it. */
function planeSvg(label: string, plane: Plane, images: Embedding['images'], names: readonly string[]): Markup {
  const byClass = new Map<number, number[]>();
  for (const [index, { label: of }] of images.entries()) byClass.set(of, [...(byClass.get(of) ?? []), index]);
  const dots = [...byClass].map(
    ([of, indices]) =>
      html`<g fill="${colourOf(of)}"><title>${names[of] ?? '?'}</title>${indices.map((index) => html`<circle cx="${nth(plane, index)[0]}" cy="${nth(plane, index)[1]}" r="${RADIUS}"/>`)}</g>`,
  );
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${SIDE}" width="${SIDE}" height="${SIDE}" role="img" aria-label="${label}" fill-opacity="0.8">${dots}</svg>`;
}

/** Both drawings, and what the colours mean. */
export function embeddingSection({ data }: RunSummary, embedding: Embedding | undefined): Markup | undefined {
  if (!embedding) return undefined;
  const { images, zeroShot, tuned } = embedding;
  const names = data.classes.map(({ name }) => printable(readableName(name)));
  const shown = [...new Set(images.map(({ label }) => label))].sort((a, b) => a - b);
  const legend = shown
    .slice(0, MOST_NAMED)
    .map((label) => html`<span class="key"><i style="background:${colourOf(label)}"></i>${names[label] ?? '?'}</span>`);
  const more = shown.length > MOST_NAMED && html`<span class="soft">and ${shown.length - MOST_NAMED} more: point at a dot</span>`;
  return html`<h2>Features in a plane</h2><p class="soft">${images.length} test pictures by their image features: those that are alike lie side by side (UMAP of the cosines). Distances between groups mean little.${tuned ? '' : ' Learning left the image features as they were.'}</p>
<div class="row"><div><h3>${tuned ? 'zero-shot' : 'zero-shot and tuned'}</h3>${planeSvg('features before learning', zeroShot, images, names)}</div>${tuned && html`<div><h3>tuned</h3>${planeSvg('features after learning', tuned, images, names)}</div>`}</div>
<p class="keys">${legend}${more}</p>`;
}
