// Finding a household: by characters, pinyin and telephone, in one's own areas alone, from any page.
import { expect, expectAccessible, expectToFit, prefer, test } from './console.ts';
import { enter } from './door.ts';
import { Village } from './village.ts';

test('a household is found by whatever is known of it, and only in its own areas', async ({ desk, office }) => {
  const village = await Village.found(office);
  const other = await Village.found(office);
  await enter(desk, await village.reviewer('审核员寅'));

  // Both villages have a family of these names; one of them is this reviewer's.
  const rows = desk.locator('main li');
  for (const [text, by] of [
    ['小明', '姓名'],
    ['wangxiuying', '姓名读音'],
    ['wxy', '姓名读音'],
    ['10012345678', '电话'],
    ['0017', '证件号码'],
    ['990000199001010017', '证件号码'],
    ['村东 12', '地址'],
  ] as const) {
    await desk.keyboard.press('/');
    await desk.keyboard.type(text);
    await desk.keyboard.press('Enter');
    await expect(desk.getByText(`“${text}”`)).toBeVisible();
    await expect(rows).toHaveCount(1);
    await expect(rows).toContainText(by);
    await expect(rows).toContainText(village.name);
    await desk.keyboard.press('Escape');
  }
  const { pathname, search } = new URL(desk.url());
  expect(pathname + search).toBe('/console/find');
  await expectAccessible(desk);

  // Neither reload nor the way back forgets what was found.
  await desk.reload();
  await expect(rows).toHaveCount(1);
  await desk.keyboard.press('j');
  await desk.keyboard.press('Enter');
  await expect(desk).toHaveURL(new RegExp(`household\\?id=${village.household}`));
  await desk.goBack();
  await expect(rows).toHaveCount(1);

  await desk.getByRole('searchbox', { name: '查找家庭' }).fill('没有这个人');
  await desk.keyboard.press('Enter');
  await expect(desk.getByText('没有符合的家庭')).toBeVisible();
  await desk.getByLabel('只查').fill(other.code);
  await desk.getByRole('searchbox', { name: '查找家庭' }).fill('小明');
  await desk.locator('main').getByRole('button', { name: '查找' }).click();
  await expect(rows).toHaveCount(0);
  await prefer(desk, 'en', 'dark');
  await desk.setViewportSize({ width: 360, height: 720 });
  await expectToFit(desk);
  await expectAccessible(desk);
});

test('an officer for privacy reads that somebody searched, and not for whom', async ({ desk, office }) => {
  const village = await Village.found(office);
  await enter(desk, await village.reviewer('审核员卯'));
  await desk.keyboard.press('/');
  await desk.keyboard.type('王秀英');
  await desk.keyboard.press('Enter');
  await expect(desk.locator('main li')).toHaveCount(1);
  await desk.getByRole('button', { name: '退出' }).click();
  await enter(desk, await village.staff('督查辰', 'officer'));
  await expect(desk.getByRole('searchbox')).toHaveCount(0);
  const entry = desk.locator('tbody tr', { hasText: '查找家庭' });
  await expect(entry).toContainText('查到 1 户');
  await expect(desk.locator('table')).not.toContainText('王秀英');
});
