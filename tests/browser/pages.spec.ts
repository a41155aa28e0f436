// The pages load as they are, whoever comes: no error, nothing against the policy, nothing that shuts somebody out.
import { expect, expectAccessible, expectToFit, LANGUAGES, prefer, THEMES, test } from './console.ts';

for (const language of LANGUAGES) {
  for (const theme of THEMES) {
    test(`signing in can be done by everybody: ${language}, ${theme}`, async ({ desk }) => {
      await prefer(desk, language, theme);
      const first = language === 'en' ? 'First sign-in with a code' : '首次登录（使用一次性代码）';
      await expect(desk.getByRole('heading', { level: 1 })).toHaveText(language === 'en' ? 'Sign in' : '登录');
      await expectAccessible(desk);
      await desk.getByRole('link', { name: first }).click();
      await expect(desk).toHaveURL(/\/console\/welcome$/);
      await expect(desk.getByRole('heading', { level: 1 })).toBeFocused();
      await expectAccessible(desk);
      await desk.setViewportSize({ width: 360, height: 720 });
      await expectToFit(desk);
      await expectAccessible(desk);
    });
  }
}

test('the server forbids the browser what the pages do not need', async ({ desk, office }) => {
  const page = await desk.request.get(`${office.url}/console/queue`);
  const headers = page.headers();
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(headers['content-security-policy']).not.toContain('unsafe');
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['cache-control']).toBe('no-cache');
  const script = /src="(\/console\/assets\/[^"]+\.js)"/.exec(await page.text())?.[1];
  const asset = await desk.request.get(`${office.url}${script}`);
  expect(asset.headers()['cache-control']).toContain('immutable');
  expect(asset.headers()['content-encoding']).toBe('gzip');
  expect((await desk.request.get(`${office.url}/console/assets/gone.js`)).status()).toBe(404);
});

test('a language once chosen stays', async ({ desk }) => {
  await desk.getByRole('combobox', { name: '语言' }).selectOption('en');
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('Sign in');
  await desk.reload();
  await expect(desk.locator('html')).toHaveAttribute('lang', 'en');
  await expect(desk).toHaveTitle(/^Sign in/);
});
