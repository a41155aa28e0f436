// Questions of every kind that two tablets can open, each with the answers that fit it; and the trail of what was done.
import { expect, expectAccessible, expectToFit, test } from './console.ts';
import { enter } from './door.ts';
import { elsewhere, Village } from './village.ts';

test('where a family lives, when two areas say so, is one of the two', async ({ desk, office }) => {
  const village = await Village.found(office);
  const [north, south] = [elsewhere(0), elsewhere(1)];
  await village.east.run('move', village.household, '--to', north.code, '--reason', 'work');
  await village.west.run('move', village.household, '--to', south.code, '--reason', 'family');
  await village.east.sync();
  await village.west.sync();
  await enter(desk, await village.reviewer('审核员一', north.code, south.code));
  await desk.keyboard.press('Enter');
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('居住地区');
  const answers = desk.getByRole('group', { name: '您的选择' }).locator('label');
  await expect(answers).toContainText([/\(\d{12}\)/, /\(\d{12}\)/, '其他地区']);
  await expect(desk.locator('thead')).toContainText('张护士');
  await expect(desk.locator('thead')).toContainText('赵村医');
  await expectAccessible(desk);
  const key = await answers.filter({ hasText: south.code }).locator('kbd').innerText();
  await desk.keyboard.press(key);
  await desk.keyboard.type('电话问过户主，已搬到南边');
  await desk.keyboard.press('Control+Enter');
  await expect(desk.getByRole('complementary', { name: '刚才的操作' })).toContainText('已审定');
  const lives = async () => JSON.parse(await office.run('households', 'export', '--area', south.code, '--json'));
  expect(await lives()).toMatchObject({ id: village.household, contested: false });

  await desk.getByRole('link', { name: '查看或撤销' }).click();
  await expect(desk.locator('.timeline li')).toContainText([south.name, village.name]);
  await expectAccessible(desk);
});

test('what was written where a family had left counts, or is put back', async ({ desk, office }) => {
  const village = await Village.found(office);
  const away = elsewhere(2);
  await village.west.edit(village.household, 'contact/phone=10087654321');
  await village.east.run('move', village.household, '--to', away.code, '--reason', 'work');
  await village.east.sync();
  await village.west.sync();
  await enter(desk, await village.reviewer('审核员二', away.code));
  await desk.getByRole('link', { name: '来自原地区的修改' }).click();
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('来自原地区的修改');
  await expect(desk.getByText('迟到', { exact: true })).toBeVisible();
  await desk.keyboard.press('2');
  const phone = desk.getByRole('row', { name: /家庭电话/ });
  await expect(phone.locator('td')).toContainText(['10012345678', '10087654321', '10012345678']);
  await expectAccessible(desk);
  await desk.keyboard.type('那时已搬走');
  await desk.keyboard.press('Control+Enter');
  await expect(desk.getByRole('complementary', { name: '刚才的操作' })).toContainText('已审定');
  const lives = JSON.parse(await office.run('households', 'export', '--area', away.code, '--json'));
  expect(lives).toMatchObject({ contact: { phone: '10012345678' }, reviews: [] });
});

test('whether somebody belongs to a household, two people say', async ({ desk, office, browser }) => {
  const village = await Village.found(office);
  await village.east.change(village.household, { edit: 'remove-person', person: village.child, reason: 'moved-away' });
  await village.west.edit(village.household, `persons/${village.child}/school=enrolled`);
  await village.meet();
  const [first, second] = [await village.reviewer('审核员三'), await village.reviewer('审核员四')];
  await enter(desk, first);
  await desk.keyboard.press('Enter');
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('王小明');
  await expect(desk.getByRole('group', { name: '您的选择' }).locator('label')).toContainText([
    '维持移出',
    '属于该家庭',
  ]);
  await desk.keyboard.press('2');
  await desk.keyboard.type('孩子在本村上学');
  await desk.keyboard.press('Control+Enter');
  await expect(desk.getByText('待第二人复核')).toBeVisible();

  const other = await (await browser.newContext({ locale: 'zh-CN' })).newPage();
  await other.goto(`${office.url}/console/`);
  await enter(other, second);
  await other.keyboard.press('Enter');
  await expect(other.getByText('孩子在本村上学')).toBeVisible();
  await other.keyboard.press('a');
  await expect(other).toHaveURL(/\/console\/queue$/);
  await other.context().close();
  const shown = await village.shown(village.east);
  expect(shown).toMatchObject({
    persons: { [village.child]: { name: '王小明', school: 'enrolled' } },
    edits_of_removed: [],
  });
  expect(shown).not.toHaveProperty(['persons', village.child, 'removed']);
});

test('an officer reads who did what, and no household', async ({ desk, office, browser }) => {
  const village = await Village.found(office);
  await village.contradict('residence/address', '村西 1 号', '村西 7 号');
  const reviewer = await village.reviewer('审核员五');
  const working = await (await browser.newContext({ locale: 'zh-CN' })).newPage();
  await working.goto(`${office.url}/console/`);
  await enter(working, reviewer);
  await working.keyboard.press('Enter');
  await expect(working.locator('#answer-1')).toBeEnabled();
  await working.context().close();

  await enter(desk, await village.staff('监督员甲', 'officer'));
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('操作记录');
  const entry = desk.getByRole('row', { name: /审核员五 查看事项/ });
  await expect(entry.first()).toContainText('地址');
  await expect(desk.getByRole('navigation', { name: '页面' }).getByRole('link')).toHaveText(['操作记录']);
  await expectAccessible(desk);
  await desk.setViewportSize({ width: 360, height: 720 });
  await expectToFit(desk);
  await desk.goto(`${office.url}/console/household?id=${village.household}`);
  await expect(desk.getByRole('alert')).toHaveText('您无权进行此操作。如有需要，请联系办公室。');
  await expectAccessible(desk);
});
