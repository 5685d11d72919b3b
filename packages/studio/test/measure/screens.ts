/** Pictures of every place of the page at three widths, light and dark, to be looked at; two of them are in the READMEs. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { openStudio } from '../opened.ts';

const LONG = 900_000;
const WIDTHS = [390, 820, 1280] as const;
const PLACES = ['data', 'zeroShot', 'train', 'understand', 'use', 'model', 'bench'] as const;

async function settled(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle');
  await page.waitForTimeout(600);
}

/** @param folder for `PLACE-WIDTH-SCHEME.png`, and `studio.png` and `studio-understand.png` of the READMEs @param isForReadme those two alone */
export async function takeScreens(folder: string, isForReadme: boolean): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { page, address, close } = await openStudio({ reducedMotion: 'reduce', deviceScaleFactor: 1 });
  const goTo = (place: string) => page.goto(`${address}#${place}`);
  const shoot = (name: string, fullPage = false) => page.screenshot({ path: join(folder, `${name}.png`), fullPage });
  /** Without the place of the scroll bar, which headless browsers do not draw. */
  const forReadme = async (name: string, height: number) => {
    const width = await page.evaluate(() => document.documentElement.clientWidth);
    await page.screenshot({ path: join(folder, `${name}.png`), clip: { x: 0, y: 0, width, height } });
  };
  const each = async (work: (suffix: string) => Promise<void>): Promise<void> => {
    if (isForReadme) return;
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of WIDTHS) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
        await work(`${width}-${colorScheme}`);
      }
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 1280, height: 900 });
  };
  try {
    await goTo('data');
    await page.locator('a.chip[href="#model"]').waitFor({ timeout: LONG });
    await each(async (suffix) => {
      await settled(page);
      await shoot(`empty-${suffix}`);
    });
    await page.getByRole('button', { name: 'Take the sample' }).click();
    await page.getByText(/^\d+ added$/).waitFor({ timeout: LONG });
    await goTo('zeroShot');
    await page.locator('.numbers:not(.stale) .number.main').waitFor({ timeout: LONG });
    await goTo('train');
    await page.getByRole('button', { name: 'Train', exact: true }).click();
    await page.getByText('Epoch 7 of 8').waitFor({ timeout: LONG });
    await page.waitForTimeout(500);
    await forReadme('studio', 700);
    await page.getByText('Finished').waitFor({ timeout: LONG });
    for (const place of isForReadme ? [] : PLACES) {
      await goTo(place);
      await each(async (suffix) => {
        await settled(page);
        await shoot(`${place}-${suffix}`, place !== 'data');
      });
    }
    await goTo('understand');
    await settled(page);
    await forReadme('studio-understand', 900);
    if (isForReadme) return;
    await page.getByLabel('language').selectOption('zh');
    for (const place of ['data', 'train', 'use'] as const) {
      await goTo(place);
      await settled(page);
      await shoot(`${place}-zh`, place !== 'data');
    }
  } finally {
    await close();
  }
}
