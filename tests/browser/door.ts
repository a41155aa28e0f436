// Coming into the console: the first time with the office's code, afterwards with a password.
import { expect, type Page } from '@playwright/test';
import type { Reviewer } from './village.ts';

/** Signs in for the first time, by the form, in whichever language it is. */
export async function enter(page: Page, { account, code, password }: Reviewer): Promise<void> {
  await page.locator('a[href="/console/welcome"]').click();
  const fields = page.locator('form input');
  await expect(fields).toHaveCount(4);
  for (const [at, text] of [code, account, password, password].entries()) await fields.nth(at).fill(text);
  await page.keyboard.press('Enter');
  const nothing = page.getByText(/没有待审事项|Nothing waits/);
  await expect(page.locator('tbody tr').first().or(nothing)).toBeVisible();
}

/** Signs in with the password. */
export async function signIn(page: Page, { account, password }: Reviewer): Promise<void> {
  const fields = page.locator('form input');
  await expect(fields).toHaveCount(2);
  await fields.nth(0).fill(account);
  await fields.nth(1).fill(password);
  await page.keyboard.press('Enter');
}
