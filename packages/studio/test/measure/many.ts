/** A project of thousands of images: taking them, scrolling through them, zero-shot over them, and what all of that holds. */
import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js';
import { png } from '@mudpt/testing/images';
import { openStudio } from '../opened.ts';

const LONG = 1_800_000;
const CLASSES = ['circle', 'square', 'cross', 'ring', 'stripe', 'corner', 'dot', 'bar', 'diamond', 'grid'];
const SIDE = 96;

/** No two are equal: colour, place and form come from the number. */
function drawn(form: number, number: number): Uint8Array {
  const colour = [60 + ((number * 37) % 190), 40 + ((number * 61) % 200), 50 + ((number * 89) % 180)] as const;
  const [left, top, size] = [24 + ((number * 7) % 48), 24 + ((number * 11) % 48), 14 + (number % 17)];
  const inside = (x: number, y: number): boolean => {
    const [a, b] = [Math.abs(x - left), Math.abs(y - top)];
    const far = Math.hypot(a, b);
    const forms = [far < size, Math.max(a, b) < size, Math.min(a, b) < 4 && Math.max(a, b) < size, Math.abs(far - size) < 4];
    const others = [
      a < 5,
      a < size && y === top,
      far < 6,
      b < 5,
      a + b < size,
      (x % 8 < 2 || y % 8 < 2) && Math.max(a, b) < size,
    ];
    return [...forms, ...others][form] ?? false;
  };
  // Two pixels hold the number itself.
  return png(SIDE, (x, y) => (y === 0 && x < 2 ? [number & 255, number >> 8, x] : inside(x, y) ? colour : [245, 245, 240]));
}

async function zipOf(count: number): Promise<Buffer> {
  const zip = new ZipWriter(new Uint8ArrayWriter(), { level: 0, useWebWorkers: false });
  for (let number = 0; number < count; number += 1) {
    const form = number % CLASSES.length;
    await zip.add(`${CLASSES[form]}/${String(number).padStart(5, '0')}.png`, new Uint8ArrayReader(drawn(form, number)));
  }
  return Buffer.from(await zip.close());
}

/** Frames and long tasks of the page, from its beginning. As text: a page lacks the helpers that a compiler puts into functions. */
const WATCH = `
  globalThis.seen = { frames: [], tasks: [] };
  let last = performance.now();
  const frame = () => {
    const now = performance.now();
    seen.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
    entryTypes: ['longtask'],
  });
`;

type Seen = { readonly frames: number[]; readonly tasks: number[] };

function fluency({ frames, tasks }: Seen): string {
  const sorted = [...frames].sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(0);
  const worst = Math.max(0, ...tasks).toFixed(0);
  return `${frames.length} frames: median ${at(0.5)}, 99 % ${at(0.99)}, longest ${at(1)} ms; ${tasks.length} tasks over 50 ms, the longest ${worst} ms`;
}

export async function measureMany(count: number): Promise<void> {
  const zip = await zipOf(count);
  const { page, address, engine, close } = await openStudio();
  try {
    const client = await page.context().newCDPSession(page);
    await client.send('Performance.enable');
    const metric = async (wanted: string): Promise<number> => {
      const { metrics } = await client.send('Performance.getMetrics');
      return metrics.find(({ name }) => name === wanted)?.value ?? Number.NaN;
    };
    let busy = 0;
    /** What was seen since the last call; processor time does not depend on what else the machine does. */
    const fluent = async (): Promise<string> => {
      const seen = await page.evaluate(() => {
        const all = (globalThis as unknown as { readonly seen: Seen }).seen;
        return { frames: all.frames.splice(0), tasks: all.tasks.splice(0) };
      });
      const now = await metric('ThreadTime');
      // A page that was opened again counts from the beginning.
      const before = now < busy ? 0 : busy;
      busy = now;
      return `${fluency(seen)}; its thread computed ${(now - before).toFixed(1)} s`;
    };
    const held = async (): Promise<string> => {
      await client.send('HeapProfiler.collectGarbage');
      const [heap, nodes] = [await metric('JSHeapUsedSize'), await metric('Nodes')];
      const ofEngine = await (await engine()).evaluate(() =>
        (
          globalThis as unknown as { studioDevice: { memory(): { totalBytes: number; peakBytes: number } } }
        ).studioDevice.memory(),
      );
      const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
      return `page's heap ${megabytes(heap)}, ${nodes} nodes; device ${megabytes(ofEngine.totalBytes)}, at most ${megabytes(ofEngine.peakBytes)}`;
    };
    const seconds = (from: number): string => `${((performance.now() - from) / 1000).toFixed(1)} s`;
    await page.addInitScript(WATCH);
    await page.goto(address);
    await page.locator('a.chip[href="#model"]').waitFor({ timeout: LONG });
    console.log(`opened: ${await held()}`);
    await fluent();

    let from = performance.now();
    await page
      .locator('input[accept="image/*,.zip"]')
      .setInputFiles({ name: 'many.zip', mimeType: 'application/zip', buffer: zip });
    await page.getByText(new RegExp(`^${count} added$`)).waitFor({ timeout: LONG });
    console.log(`${count} images (a zip of ${(zip.length / 1e6).toFixed(1)} MB) taken in ${seconds(from)}: ${await fluent()}`);
    console.log(`then: ${await held()}`);

    from = performance.now();
    await page.getByRole('link', { name: 'Zero-shot' }).click();
    await page.locator('.numbers:not(.stale) .number.main').waitFor({ timeout: LONG });
    const label = await page.locator('.number.main span').first().innerText();
    console.log(`zero-shot (${label}) after ${seconds(from)}: ${await fluent()}`);

    await page.getByRole('link', { name: 'Images' }).click();
    await page.locator('.tile img').first().waitFor({ timeout: LONG });
    await page.waitForTimeout(1000);
    await fluent();
    const height = await page.locator('.virtual').evaluate((box) => box.scrollHeight);
    await page.locator('.virtual').hover();
    for (let step = 0; step < 150; step += 1) {
      await page.mouse.wheel(0, height / 150);
      await page.waitForTimeout(16);
    }
    console.log(`scrolled through ${height} pixels: ${await fluent()}`);
    await page.locator('.tile img').last().waitFor({ timeout: LONG });

    from = performance.now();
    await page.locator('input[type=range]').fill('0.6');
    await page.waitForFunction(() => document.querySelector('.split output')?.textContent === '60 %');
    console.log(`another share for testing after ${seconds(from)}: ${await fluent()}`);
    await page.locator('.tile').last().click();
    await page.locator('.tile').first().click();
    console.log(`selecting: ${await fluent()}`);
    from = performance.now();
    await page.reload();
    await page.locator('.tile img').first().waitFor({ timeout: LONG });
    console.log(`opened again, with its images, after ${seconds(from)}: ${await fluent()}`);
    await page.getByRole('link', { name: 'Zero-shot' }).click();
    await page.locator('.numbers:not(.stale) .number.main').waitFor({ timeout: LONG });
    const all = await page.locator('.number.main span').first().innerText();
    console.log(`zero-shot (${all}) after ${seconds(from)}: ${await fluent()}`);
    console.log(`at the end: ${await held()}`);
  } finally {
    await close();
  }
}
