// The tablet's pages as people need them: on a phone and on a tablet, in both languages, in the sun, and with text twice as large.
import type { Locator, Page } from '@playwright/test';
import { expect, expectAccessible, expectToFit, LANGUAGES, picture, THEMES, test } from './console.ts';
import { choosePassphrase, expectInReach, Field, look, redeem } from './field.ts';
import { Village } from './village.ts';

const PHONE = { width: 360, height: 800 };
const WINDOWS = [PHONE, { width: 820, height: 1180 }, { width: 1280, height: 800 }];

/** The page as it stands is of use to everybody, whatever they look at it with; leaves it in Chinese, on a phone. */
async function expectForEverybody(page: Page, name: string, about: Locator): Promise<void> {
  for (const language of LANGUAGES) {
    await look(page, { language });
    for (const window of WINDOWS) {
      await page.setViewportSize(window);
      await expectToFit(page);
      await expectInReach(page);
      await about.evaluate((part) => part.scrollIntoView());
      await picture(page, `tablet-${name}-${language}-${window.width}x${window.height}`);
    }
    await page.setViewportSize(PHONE);
    await look(page, { size: 200 });
    await expectToFit(page);
    await expectInReach(page);
    await look(page, { size: 100 });
  }
  for (const theme of THEMES) {
    await look(page, { theme });
    await expectAccessible(page);
  }
  await look(page, { language: 'zh-CN', theme: 'light' });
}

test('every page fits a phone and a tablet, in both languages and all colours, with text twice as large', async ({
  office,
}) => {
  const village = await Village.found(office);
  await village.fill(9);
  await village.contradict('consent/care', 'refused', 'withdrawn');
  const staff = await office.staff('冯护士', 'worker');
  const field = await Field.fresh(office.url);
  try {
    const page = await field.tab();
    await choosePassphrase(page);
    await expectForEverybody(page, 'enrolment', page.getByRole('banner'));
    await redeem(page, (await office.run('device', 'code', '--area', village.code, '--staff', staff)).trim());
    await expectForEverybody(page, 'households', page.getByRole('banner'));
    await page.getByRole('link', { name: /王秀英/ }).click();
    await expect(page.getByRole('heading', { level: 1, name: '王秀英家' })).toBeFocused();
    await expectForEverybody(page, 'household', page.getByRole('banner'));
    const record = page.getByRole('button', { name: '记录走访' });
    await record.click();
    await expect(page.getByRole('heading', { name: '记录走访' })).toBeFocused();
    await expectForEverybody(page, 'visit', page.getByRole('form'));
    await page.getByRole('button', { name: '取消' }).click();
    await expect(record).toBeFocused();

    // What was chosen is kept on the device; what the device itself wants counts as well.
    await look(page, { theme: 'contrast', size: 200 });
    await page.reload();
    const root = page.locator('html');
    await expect(root).toHaveAttribute('data-size', '200');
    await expect(root).toHaveAttribute('data-contrast', 'more');
    await look(page, { theme: 'dark' });
    await expect(root).toHaveAttribute('data-contrast', 'usual');
    await page.emulateMedia({ contrast: 'more' });
    await expect(root).toHaveAttribute('data-contrast', 'more');
    await expectAccessible(page);
    expect(field.complaints).toEqual([]);
  } finally {
    await field.close();
  }
});
