// The tree of areas: what is in each and below it, and the way to what waits there.
import { expect, expectAccessible, expectToFit, prefer, test } from './console.ts';
import { enter } from './door.ts';
import { above, Village } from './village.ts';

test('a reviewer of a county sees where something waits, and goes there', async ({ desk, office }) => {
  const village = await Village.found(office);
  await village.contradict('residence/address', '村西 1 号', '村西 7 号');
  const [town, county] = [above(village.code), above(above(village.code))];
  await enter(desk, await village.reviewer('审核员己', county));
  await desk.getByRole('link', { name: '辖区' }).click();
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('辖区');
  await expectAccessible(desk);

  // From the county to the village, by the keyboard, where there is something.
  const row = (code: string) =>
    desk.locator('.row', { has: desk.locator('code', { hasText: new RegExp(`^${code}$`) }) });
  await row(town).getByRole('button').focus();
  await desk.keyboard.press('Enter');
  await expect(row(village.code)).toContainText('1 户');
  await row(town).getByRole('button').click();
  await expect(row(village.code)).toHaveCount(0);

  await desk.getByLabel('只看有待审事项的').check();
  await row(town).getByRole('button').click();
  await expect(row(village.code)).toContainText(village.name);
  await desk.getByLabel('只看有待审事项的').uncheck();
  await desk.keyboard.press('f');
  await desk.keyboard.type(village.code);
  await expect(desk.locator('.row')).toHaveCount(3);
  await expectAccessible(desk);
  await prefer(desk, 'en', 'dark');
  await desk.getByLabel('Only where something waits').check();
  await desk.setViewportSize({ width: 360, height: 720 });
  await expectToFit(desk);
  await expectAccessible(desk);

  // What came in meanwhile is there without asking, and a count leads to its questions.
  await desk.getByLabel('Find an area').fill(village.code);
  await village.contradict('consent/care', 'refused', 'withdrawn');
  await expect(row(village.code)).toContainText('2 questions');
  await row(village.code).getByRole('link').click();
  await expect(desk).toHaveURL(new RegExp(`area=${village.code}`));
  await expect(desk.locator('tbody tr')).toHaveCount(2);
});

test('what is put off is counted apart from what waits now', async ({ desk, office }) => {
  const village = await Village.found(office);
  await village.contradict('residence/address', '村西 1 号', '村西 7 号');
  await village.contradict('consent/care', 'refused', 'withdrawn');
  await enter(desk, await village.reviewer('审核员酉'));
  await desk.getByRole('link', { name: '辖区' }).click();
  const row = desk.locator('.row');
  await expect(row).toContainText('2 项');
  await expect(row).not.toContainText('稍后再审');

  await row.getByRole('link').click();
  await desk.getByRole('link', { name: '地址' }).click();
  await expect(desk.locator('#put-off')).toBeVisible();
  await desk.keyboard.press('p');
  await desk.getByRole('button', { name: '30 天后' }).click();
  await desk.locator('#off-reason').fill('家人下月才回来');
  await desk.locator('#put-off form').getByRole('button', { name: '延后' }).click();
  await expect(desk.getByRole('complementary', { name: '刚才的操作' })).toContainText('已延后');
  await desk.getByRole('link', { name: '辖区' }).click();
  await expect(row).toContainText('1 项稍后再审');
  await expect(row.getByRole('link')).toHaveCount(2);
  await expectAccessible(desk);
  await desk.setViewportSize({ width: 360, height: 720 });
  await expectToFit(desk);
  await prefer(desk, 'en', 'light');
  await row.getByRole('link', { name: '1 waiting later' }).click();
  await expect(desk).toHaveURL(/put_off/);
  await expect(desk.locator('tbody tr')).toHaveCount(1);
  await expect(desk.locator('tbody tr')).toContainText('put off until');
  await expect(desk.getByRole('option', { name: `${village.name} (1)` })).toBeAttached();
});

test('an area that nothing fits says so', async ({ desk, office }) => {
  const village = await Village.found(office);
  await village.contradict('residence/address', '村西 1 号', '村西 7 号');
  await enter(desk, await village.reviewer('审核员庚'));
  await desk.getByRole('link', { name: '辖区' }).click();
  await expect(desk.locator('.row')).toHaveCount(1);
  await desk.getByLabel('按名称或编码查找辖区').fill('没有这个村');
  await expect(desk.getByText('没有符合的辖区')).toBeVisible();
});
