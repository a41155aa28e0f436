// What two tablets wrote in contradiction, settled in the console by the keyboard, and what the tablets show of it then.
import type { Page } from '@playwright/test';
import { expect, expectAccessible, expectToFit, LANGUAGES, picture, prefer, THEMES, test } from './console.ts';
import { enter, signIn } from './door.ts';
import { Village } from './village.ts';

/** Opens the chosen question, and waits until it can be settled. */
async function open(page: Page): Promise<void> {
  await page.keyboard.press('Enter');
  await expect(page.locator('#answer-1')).toBeEnabled();
}

const PHONE = { width: 360, height: 720 };

test('an address is settled from the keyboard, and the next question opens at once', async ({ desk, office }) => {
  const village = await Village.found(office);
  await village.contradict('residence/address', '村西 1 号', '村西 7 号');
  await village.contradict('consent/care', 'refused', 'withdrawn');
  const reviewer = await village.reviewer('审核员甲');
  await enter(desk, reviewer);

  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('待审事项');
  const rows = desk.locator('tbody tr');
  await expect(rows).toHaveCount(2);
  await desk.keyboard.press('j');
  await desk.keyboard.press('j');
  await desk.keyboard.press('k');
  const first = await desk.locator('tr.chosen a.open').innerText();
  await desk.keyboard.press('Enter');
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText(first);

  // Both questions, one after the other, without a hand on the mouse.
  for (const _ of [1, 2]) {
    const about = await desk.getByRole('heading', { level: 1 }).innerText();
    await expect(desk.locator('tbody').first()).toContainText(about === '地址' ? '村西 7 号' : '已撤回');
    const wanted = about === '地址' ? '村西 7 号' : '已撤回';
    const key = await desk.locator('label', { hasText: wanted }).locator('kbd').innerText();
    await desk.keyboard.press(key);
    await expect(desk.locator('td.result.decided')).toContainText(wanted);
    await expect(desk.getByLabel('理由')).toBeFocused();
    await desk.keyboard.type('电话问过户主');
    await desk.keyboard.press('Control+Enter');
    await expect(desk.getByRole('complementary', { name: '刚才的操作' })).toContainText(`已审定：${about}`);
    await expect(desk.getByRole('heading', { level: 1 })).not.toHaveText(about);
  }
  await expect(desk).toHaveURL(/\/console\/queue$/);
  await expect(desk.getByText('没有待审事项')).toBeVisible();

  const shown = await village.shown(village.east);
  expect(shown).toMatchObject({
    residence: { address: '村西 7 号' },
    consent: { care: 'withdrawn' },
    contradictions: [],
  });
  expect(JSON.stringify(shown)).toContain('电话问过户主');
});

test('a key is not lost that is pressed while a question is still being read', async ({ desk, office }) => {
  const village = await Village.found(office);
  await village.contradict('residence/address', '村西 1 号', '村西 7 号');
  await enter(desk, await village.reviewer('审核员戌'));
  const gate = Promise.withResolvers<void>();
  await desk.route(/\/question\?/, async (route) => {
    await gate.promise;
    await route.continue();
  });
  await desk.keyboard.press('Enter');
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('地址');
  await desk.keyboard.press('2');
  gate.resolve();
  await expect(desk.locator('#answer-2')).toBeChecked();
  await expect(desk.getByLabel('理由')).toBeFocused();
});

test('who somebody is, two people settle', async ({ desk, office, browser }) => {
  const village = await Village.found(office);
  await village.contradict(`persons/${village.child}/birth`, '2021-06-20', '2021-07-01');
  const [first, second] = [await village.reviewer('审核员乙'), await village.reviewer('审核员丙')];
  await enter(desk, first);
  await desk.keyboard.press('Enter');
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('王小明的出生日期');
  await expect(desk.locator('mark')).toHaveText([/6月20|7月1/, /6月20|7月1/]);
  const key = await desk.locator('label', { hasText: '2021年6月20日' }).locator('kbd').innerText();
  await desk.keyboard.press(key);
  await desk.getByRole('button', { name: '已核对证件' }).click();
  await desk.keyboard.press('Control+Enter');
  await expect(desk.getByRole('complementary', { name: '刚才的操作' })).toContainText('须另一人同意');
  await expect(desk.getByText('待第二人复核')).toBeVisible();
  const undecided = await village.shown(village.east);
  expect(undecided.contradictions).toHaveLength(1);

  const other = await (await browser.newContext({ locale: 'zh-CN' })).newPage();
  await other.goto(`${office.url}/console/`);
  await enter(other, second);
  await other.keyboard.press('Enter');
  await expect(other.getByText(`${first.name}的处理意见`)).toBeVisible();
  await expect(other.getByRole('blockquote')).toHaveText('已核对证件');
  await expectAccessible(other);
  await other.keyboard.press('a');
  await expect(other).toHaveURL(/\/console\/queue$/);
  await other.context().close();

  const settled = await village.shown(village.west);
  expect(settled).toMatchObject({ persons: { [village.child]: { birth: '2021-06-20' } }, contradictions: [] });
});

test('what has changed meanwhile is shown, and the reason is kept', async ({ desk, office, complaints }) => {
  complaints.expected.push(/status of 409/);
  const village = await Village.found(office);
  await village.contradict('residence/address', '村西 1 号', '村西 7 号');
  await enter(desk, await village.reviewer('审核员丁'));
  await open(desk);
  await desk.keyboard.press('2');
  await desk.keyboard.type('现场看过');
  // The page hears of it; the reviewer decides on what they saw all the same.
  await village.east.edit(village.household, 'contact/note=晚上在家');
  await village.east.sync();
  await expect(desk.getByRole('alert').filter({ hasText: '内容已变化' })).toBeVisible();
  await expect(desk.getByLabel('理由')).toHaveValue('现场看过');
  await expect(desk.locator('input[name=answer]:checked')).toHaveCount(1);
  await expectAccessible(desk);
  await desk.keyboard.press('Control+Enter');
  await expect(desk).toHaveURL(/\/console\/queue$/);
  expect((await village.shown(village.east)).contradictions).toEqual([]);
});

test('a decision on what has changed unheard is refused, and the reason is kept', async ({
  desk,
  office,
  complaints,
}) => {
  complaints.expected.push(/status of 409/, /ERR_FAILED.*\/live$/);
  const village = await Village.found(office);
  await village.contradict('residence/address', '村西 1 号', '村西 7 号');
  await desk.route('**/console/v1/live', (route) => route.abort());
  await enter(desk, await village.reviewer('审核员癸'));
  await open(desk);
  await desk.keyboard.press('1');
  await desk.keyboard.type('现场看过');
  await village.east.edit(village.household, 'contact/note=晚上在家');
  await village.east.sync();
  await desk.keyboard.press('Control+Enter');
  await expect(desk.getByRole('alert').filter({ hasText: '内容已变化' })).toBeVisible();
  await expect(desk.getByLabel('理由')).toHaveValue('现场看过');
  await expect(desk.locator('#answer-1')).toBeChecked();
  expect((await village.shown(village.east)).contradictions).toHaveLength(1);
  await desk.keyboard.press('Control+Enter');
  await expect(desk).toHaveURL(/\/console\/queue$/);
});

test('the list is narrowed by its address, and by the keyboard', async ({ desk, office }) => {
  const village = await Village.found(office);
  await village.contradict('residence/address', '村西 1 号', '村西 7 号');
  await village.contradict(`persons/${village.child}/birth`, '2021-06-20', '2021-07-01');
  await enter(desk, await village.reviewer('审核员子'));
  await expect(desk.locator('td.severity')).toContainText(['身份', '一般服务']);
  await desk.keyboard.press('f');
  await expect(desk.getByRole('combobox', { name: '重要程度' })).toBeFocused();
  await desk.getByRole('combobox', { name: '重要程度' }).selectOption('service');
  await expect(desk).toHaveURL(/severity=service/);
  await expect(desk.locator('tbody tr')).toHaveCount(1);
  await desk.reload();
  await expect(desk.locator('td.about')).toContainText(['地址']);
  await desk.keyboard.press('m');
  await expect(desk.getByText('没有符合筛选条件的事项')).toBeVisible();
  await desk.getByRole('link', { name: '清除筛选' }).click();
  await expect(desk.locator('tbody tr')).toHaveCount(2);
});

test('who comes second is told who is at work, and may read', async ({ desk, office, browser }) => {
  const village = await Village.found(office);
  await village.contradict('residence/address', '村西 1 号', '村西 7 号');
  const [first, second] = [await village.reviewer('审核员戊'), await village.reviewer('审核员己')];
  await enter(desk, first);
  await open(desk);

  const other = await (await browser.newContext({ locale: 'zh-CN' })).newPage();
  await other.goto(`${office.url}/console/`);
  await enter(other, second);
  await expect(other.locator('td.who')).toHaveText(first.name);
  await other.keyboard.press('Enter');
  await expect(other.getByText(`${first.name}正在处理`)).toBeVisible();
  await expect(other.locator('#answer-1')).toBeDisabled();
  await expect(other.locator('tbody').first()).toContainText('村西 7 号');
  // The first one leaves, and the second hears of it.
  await desk.keyboard.press('Escape');
  await expect(desk).toHaveURL(/\/console\/queue/);
  await expect(other.locator('#answer-1')).toBeEnabled();
  await other.context().close();
});

test('a decision is taken back where the household is shown, and both values stand again', async ({ desk, office }) => {
  const village = await Village.found(office);
  await village.contradict('residence/address', '村西 1 号', '村西 7 号');
  await enter(desk, await village.reviewer('审核员庚'));
  await open(desk);
  await desk.keyboard.press('3');
  await desk.keyboard.type('村西 17 号');
  await desk.keyboard.press('Tab');
  await desk.keyboard.press('Escape');
  await desk.keyboard.press('r');
  await desk.keyboard.type('门牌已更换');
  await desk.keyboard.press('Control+Enter');
  await desk.getByRole('link', { name: '查看或撤销' }).click();
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('王秀英家');
  await expect(desk.locator('section[aria-labelledby=contact]')).toContainText('村西 17 号');
  expect(await desk.content()).not.toContain('990000199001010017');
  await desk.getByRole('button', { name: '撤销' }).click();
  const dialog = desk.getByRole('dialog');
  await expectAccessible(desk);
  await desk.keyboard.type('看错了门牌');
  await desk.keyboard.press('Control+Enter');
  await expect(dialog).toBeHidden();
  await expect(desk.getByText('已撤销：看错了门牌')).toBeVisible();
  const shown = await village.shown(village.west);
  expect(shown.contradictions).toHaveLength(1);
});

test('an address left open in another window asks for a sign-in and opens then', async ({ desk, office }) => {
  const village = await Village.found(office);
  await village.contradict('residence/address', '村西 1 号', '村西 7 号');
  const reviewer = await village.reviewer('审核员辛');
  await enter(desk, reviewer);
  await open(desk);
  const url = desk.url();
  await desk.getByRole('button', { name: '退出登录' }).click();
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('登录');
  await desk.goto(url);
  await signIn(desk, { ...reviewer, password: 'not the password at all' });
  await expect(desk.getByRole('alert')).toHaveText('账号与密码（或一次性代码）不相符。');
  await signIn(desk, reviewer);
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('地址');
});

for (const language of LANGUAGES) {
  for (const theme of THEMES) {
    // Colours are the same in every language: the third set is looked at in one.
    if (theme === 'contrast' && language !== 'en') continue;
    test(`every page can be used by everybody: ${language}, ${theme}`, async ({ desk, office }) => {
      const village = await Village.found(office);
      await village.contradict(`persons/${village.child}/birth`, '2021-06-20', '2021-07-01');
      await village.contradict('residence/address', '村西 1 号', '村西 7 号');
      await enter(desk, await village.reviewer(`审核员壬 ${language} ${theme}`));
      await prefer(desk, language, theme);
      const pages: [name: string, open: () => Promise<void>, there: string][] = [
        ['queue', async () => {}, 'tbody tr'],
        ['question', () => desk.keyboard.press('Enter'), '#answer-1'],
        ['household', () => desk.keyboard.press('h'), '#people'],
      ];
      for (const [name, open, there] of pages) {
        await open();
        await expect(desk.locator(there).first()).toBeVisible();
        await expectAccessible(desk);
        await picture(desk, `${name}-${language}-${theme}`);
        const wide = desk.viewportSize();
        await desk.setViewportSize(PHONE);
        await expectToFit(desk);
        await expectAccessible(desk);
        await picture(desk, `${name}-phone-${language}-${theme}`);
        if (wide) await desk.setViewportSize(wide);
      }
      await desk.keyboard.press('?');
      await expect(desk.getByRole('dialog')).toBeVisible();
      await expectAccessible(desk);
      await desk.keyboard.press('Escape');
      await expect(desk.getByRole('dialog')).toBeHidden();
    });
  }
}
