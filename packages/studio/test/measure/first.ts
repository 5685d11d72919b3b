/** From opening the page to the first tuned prediction on the sample, as a person would go who reads nothing. */
import { openStudio } from '../opened.ts';
import { processorSeconds } from './processor.ts';

const LONG = 600_000;

export async function measureFirst(): Promise<void> {
  const { page, address, pid, close } = await openStudio();
  try {
    const begin = performance.now();
    const before = processorSeconds(pid) ?? Number.NaN;
    let last = { wall: 0, busy: 0 };
    const mark = (what: string): void => {
      const wall = (performance.now() - begin) / 1000;
      const busy = (processorSeconds(pid) ?? Number.NaN) - before;
      const part = `${(wall - last.wall).toFixed(1)} s, the browser computed ${(busy - last.busy).toFixed(1)} s`;
      console.log(`${what.padEnd(42)} ${wall.toFixed(1).padStart(6)} s (${part})`);
      last = { wall, busy };
    };
    await page.goto(address);
    await page.getByRole('button', { name: 'Take the sample' }).waitFor({ timeout: LONG });
    mark('page is shown');
    await page.getByRole('button', { name: 'Take the sample' }).click();
    await page.getByText(/^\d+ added$/).waitFor({ timeout: LONG });
    mark('sample is taken');
    await page.getByRole('link', { name: 'Zero-shot' }).click();
    await page.locator('.numbers:not(.stale) .number.main').waitFor({ timeout: LONG });
    const zeroShot = await page.locator('.number.main b').innerText();
    mark(`zero-shot is measured: ${zeroShot}`);
    await page.getByRole('link', { name: 'Train', exact: false }).click();
    await page.getByRole('button', { name: 'Train', exact: true }).click();
    await page.getByText(/Epoch 1 of/).waitFor({ timeout: LONG });
    mark('first step is done');
    await page.getByText('Measuring…').waitFor({ timeout: LONG });
    mark('training is done');
    await page.getByText('Finished').waitFor({ timeout: LONG });
    const tuned = await page.locator('.number.main b').innerText();
    mark(`tuned predictions are there: ${tuned}`);
  } finally {
    await close();
  }
}
