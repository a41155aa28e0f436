// A family that is about to leave: prepared on a tablet without a connection, answered by a reviewer of the county where it goes.
import type { Page } from '@playwright/test';
import { expect, expectAccessible, expectToFit, LANGUAGES, picture, prefer, THEMES, test } from './console.ts';
import type { Office } from './office.ts';
import { elsewhere, type Reviewer, Village } from './village.ts';

const PHONE = { width: 360, height: 720 };

/** A reviewer of one county alone. */
async function reviewerOf(office: Office, county: string, account: string): Promise<Reviewer> {
  const id = await office.staff('审核员', 'reviewer');
  const given = await office.run('account', 'give', account, '--staff', id, '--area', county, '--json');
  return { account, name: '审核员', password: 'hand over with care', code: JSON.parse(given).code };
}

/** Signs in for the first time where no question waits. */
async function enterQuiet(page: Page, { account, code, password }: Reviewer): Promise<void> {
  await page.locator('a[href="/console/welcome"]').click();
  const fields = page.locator('form input');
  await expect(fields).toHaveCount(4);
  for (const [at, text] of [code, account, password, password].entries()) await fields.nth(at).fill(text);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/待审事项|Open questions/);
}

/** The county of a village, by the first digits of its code as this tree has them. */
const countyOf = (village: string): string => village.slice(0, 6);

test('a family that both tablets prepared for without a connection is taken over, and is where it went', async ({
  desk,
  office,
}) => {
  const village = await Village.found(office);
  const there = elsewhere(3);
  const nurse = await office.staff('李护士', 'worker');
  const receiving = await office.tablet('receiving', there.code, nurse);
  // Nobody has a connection: the one prepares the move, the other knows of nothing.
  await village.east.change(village.household, { edit: 'note-need', kind: 'school', text: '小学学位' });
  await village.east.run('leaving', village.household, '--to', there.code, '--on', '2026-12-15', '--reason', 'school');
  expect(await village.east.run('list')).toContain('leaving for');
  expect(JSON.parse(await receiving.run('list', '--json'))).toEqual([]);
  // Both come back. The family is still where it was.
  await village.meet();
  await receiving.sync();
  expect(JSON.parse(await receiving.run('list', '--json'))).toEqual([]);

  const reviewer = await reviewerOf(office, countyOf(there.code), 'jie.yi');
  await enterQuiet(desk, reviewer);
  await desk.getByRole('link', { name: /项交接待您答复/ }).click();
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('家庭交接');
  await expect(desk.getByRole('heading', { level: 2, name: '请您答复' })).toBeVisible();
  await expect(desk.locator('.lists')).not.toContainText('王秀英');
  await expectAccessible(desk);
  await expect(desk.locator('a.open')).toHaveCount(1);
  await desk.keyboard.press('j');
  await desk.keyboard.press('Enter');
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('王秀英家');
  await expect(desk.locator('main')).not.toContainText('村东 12 号');
  await expect(desk.locator('main')).not.toContainText('王小明');
  await expect(desk.getByText('入学 1')).toBeVisible();
  await expectAccessible(desk);
  await desk.keyboard.press('1');
  await expect(desk.getByRole('radio', { name: /接收/ }).first()).toBeChecked();
  await desk.keyboard.type('已电话联系');
  await desk.keyboard.press('Control+Enter');
  await expect(desk.getByRole('complementary', { name: '刚才的操作' })).toContainText('接收：王秀英家');

  await receiving.sync();
  await village.east.sync();
  await village.west.sync();
  const lives = JSON.parse(await receiving.run('list', '--json'));
  expect(lives).toMatchObject([{ id: village.household, area: there.code, moving_to: '' }]);
  expect(await receiving.run('show', village.household)).toContain('已电话联系');
  for (const tablet of [village.east, village.west]) {
    const ids = JSON.parse(await tablet.run('list', '--json')).map(({ id }: { id: string }) => id);
    expect(ids).not.toContain(village.household);
  }
});

test('a family that refused sharing is asked first, and what was taken back meanwhile is not answered', async ({
  desk,
  office,
  complaints,
}) => {
  complaints.expected.push(/status of 409/, /ERR_FAILED.*\/live$/);
  const village = await Village.found(office);
  const there = elsewhere(4);
  await village.east.edit(village.household, 'consent/sharing=refused');
  await village.east.run('leaving', village.household, '--to', there.code, '--on', '2026-12-20');
  await village.meet();
  await desk.route('**/console/v1/live', (route) => route.abort());
  await enterQuiet(desk, await reviewerOf(office, there.code, 'jie.er'));
  await desk.keyboard.press('o');
  await expect(desk.locator('a.open')).toHaveCount(1);
  await desk.keyboard.press('Enter');
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('王秀英家');
  await desk.keyboard.press('1');
  await desk.keyboard.press('Control+Enter');
  await expect(desk.getByRole('alert').filter({ hasText: '请先询问' })).toBeVisible();
  await desk.getByLabel('已询问该家庭，其表示同意').check();
  await village.east.run('stays', village.household, '--reason', '在本地入学');
  await village.meet();
  await desk.keyboard.press('Control+Enter');
  await expect(desk.getByRole('alert').filter({ hasText: '已有答复或已撤回' })).toBeVisible();
  await expect(desk.getByText('在本地入学')).toBeVisible();
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('交接');
  expect((await village.shown(village.east)).residence).toMatchObject({ area: village.code });
});

test('a family at another door is let go by the area where it lived, and nothing of it is typed twice', async ({
  desk,
  office,
}) => {
  const village = await Village.found(office);
  const there = elsewhere(6);
  const nurse = await office.staff('李护士', 'worker');
  const receiving = await office.tablet('at-the-door', there.code, nurse);
  const provisional = '01990000-0000-7000-8000-000000999901';
  await receiving.add({
    id: provisional,
    address: '南苑 3 号',
    persons: [
      { name: '王秀英', birth: '1958-03-02', relation: 'head', phone: '10012345678' },
      { name: '王小明', birth: '2021', relation: 'grandchild', school: 'place-wanted' },
    ],
  });
  await receiving.run('arrived', provisional, '--from', village.code, '--reason', 'family');
  await receiving.sync();

  await enterQuiet(desk, await reviewerOf(office, village.code, 'jie.liu'));
  await desk.keyboard.press('o');
  await expect(desk.getByRole('heading', { level: 2, name: '请您答复' })).toBeVisible();
  await expect(desk.locator('.lists')).toContainText('家庭已到');
  await expect(desk.locator('.lists')).not.toContainText('王秀英');
  await desk.locator('a.open').click();
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('王秀英家');
  await expect(desk.locator('main')).not.toContainText('南苑 3 号');
  await desk.keyboard.press('1');
  await expect(desk.getByRole('radio', { name: /王秀英家/ })).toBeChecked();
  await expect(desk.getByRole('heading', { level: 2, name: '随迁事项' })).toBeVisible();
  await expectAccessible(desk);
  await desk.setViewportSize(PHONE);
  await expectToFit(desk);
  await desk.setViewportSize({ width: 1280, height: 800 });
  await desk.keyboard.press('Control+Enter');
  await expect(desk.getByRole('alert').filter({ hasText: /./ })).toBeVisible();
  await desk.locator('#reason').fill('电话问过');
  await desk.keyboard.press('Control+Enter');
  await expect(desk.getByRole('complementary', { name: '刚才的操作' })).toContainText('是这户家庭，移交：王秀英家');

  await receiving.sync();
  await village.east.sync();
  const own = JSON.parse(await receiving.run('show', village.household, '--json'));
  expect(own.residence).toMatchObject({ area: there.code, address: '南苑 3 号' });
  expect(Object.keys(own.persons)).toHaveLength(2);
  expect(own.persons[village.child]).toMatchObject({ school: 'place-wanted' });
  expect(JSON.parse(await receiving.run('show', provisional, '--json')).goes_on).toBe(village.household);
  expect(await village.east.run('list', '--json')).not.toContain(village.household);
});

for (const language of LANGUAGES) {
  for (const theme of THEMES) {
    test(`hand-overs fit a telephone: ${language}, ${theme}`, async ({ desk, office }) => {
      const village = await Village.found(office);
      const there = elsewhere(5);
      await village.east.run('leaving', village.household, '--to', there.code, '--on', '2026-12', '--until', '2027-07');
      await village.meet();
      const account = `jie.${language.slice(0, 2).toLowerCase()}.${theme}`;
      await enterQuiet(desk, await reviewerOf(office, there.code, account));
      await prefer(desk, language, theme);
      await desk.setViewportSize(PHONE);
      await desk.locator('a[href="/console/handovers"]').first().click();
      await expect(desk.locator('a.open').first()).toBeVisible();
      await expectToFit(desk);
      await expectAccessible(desk);
      await desk.locator('a.open').first().click();
      await expect(desk.locator('#deed-1')).toBeVisible();
      await expectToFit(desk);
      await expectAccessible(desk);
      await desk.setViewportSize({ width: 1280, height: 800 });
      await expectToFit(desk);
      await picture(desk, `handover-${language}-${theme}`);
    });
  }
}
