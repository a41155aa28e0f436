// What every test of the console begins with: a register of its own, and a page on which nothing goes wrong unseen.
import { resolve } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';
import { Office, ROOT } from './office.ts';

export const LANGUAGES = ['zh-CN', 'en'] as const;
export const THEMES = ['light', 'dark', 'contrast'] as const;
export type Language = (typeof LANGUAGES)[number];
export type Theme = (typeof THEMES)[number];

/** What the browser complained of, except that it was refused what the test had it refused. */
interface Complaints {
  found: string[];
  /** Answers of the register that a test brings about, such as 401 before signing in. */
  expected: RegExp[];
}

interface Fixtures {
  complaints: Complaints;
  /** A page of the console; fails the test when anything was logged as an error, or against the policy. */
  desk: Page;
}

export const test = base.extend<Fixtures, { office: Office }>({
  office: [
    // biome-ignore lint/correctness/noEmptyPattern: the fixture needs no other, and Playwright asks for the pattern
    async ({}, use) => {
      const office = await Office.open();
      await use(office);
      await office.close();
    },
    { scope: 'worker' },
  ],

  // biome-ignore lint/correctness/noEmptyPattern: as above
  complaints: async ({}, use) => {
    await use({ found: [], expected: [/status of 40[13]/] });
  },

  desk: async ({ page, office, complaints }, use) => {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        complaints.found.push(`${message.text()} ${message.location().url}`);
    });
    page.on('pageerror', (error) => complaints.found.push(String(error)));
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`against the policy: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    await page.goto(`${office.url}/console/`);
    await use(page);
    const unexpected = complaints.found.filter((text) => !complaints.expected.some((known) => known.test(text)));
    expect(unexpected).toEqual([]);
  },
});

/** Chooses how the pages look, as somebody would who did so before. */
export async function prefer(page: Page, language: Language, theme: Theme): Promise<void> {
  await page.evaluate(
    ([language, theme]) => {
      localStorage.setItem('language', language);
      localStorage.setItem('theme', theme);
    },
    [language, theme] as const,
  );
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('lang', language);
  await expect(page.locator('html')).toHaveAttribute('data-theme', theme);
}

/** The page as it stands breaks none of the rules of WCAG 2.2 A and AA, nor of good practice, that a program can check. */
export async function expectAccessible(page: Page): Promise<void> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
  const said = violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.map((node) => node.html) }));
  expect(said).toEqual([]);
}

/** A picture of the page for the documents, when they are wanted: `PICTURES=docs/pictures make browser-test`. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.PICTURES;
  if (folder) await page.screenshot({ path: resolve(ROOT, folder, `${name}.png`) });
}

/** Nothing runs out of the window sideways. */
export async function expectToFit(page: Page): Promise<void> {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over).toBeLessThanOrEqual(0);
}

export { expect };
