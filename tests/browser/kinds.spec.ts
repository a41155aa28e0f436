// Questions of every kind that two tablets can open, each with the answers that fit it; and the trail of what was done.
import { expect, expectAccessible, expectToFit, picture, test } from './console.ts';
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

test('a change that was kept aside is shown beside the record, and adopted', async ({ desk, office, browser }) => {
  const village = await Village.found(office);
  // Somebody writes without a link, is sent to another village before they hand it in, and may not write here any more.
  const staff = await office.staff('钱护士', 'worker');
  const away = elsewhere(3);
  const tablet = await office.tablet(`sent-${village.code}`, village.code, staff);
  await tablet.sync();
  await tablet.edit(village.household, 'residence/address=村南 9 号', 'contact/note=晚上在家');
  await office.enrol(tablet, away.code, staff);
  await tablet.sync();
  const held = async () => JSON.parse(await tablet.run('held', '--json'));
  expect(await held()).toMatchObject([{ fate: 'quarantined', reason: 'not-authorised', decided: null }]);

  const reviewer = await village.reviewer('审核员六');
  await enter(desk, reviewer);
  await expect(desk.locator('a.open')).toHaveText('填写人无权修改该处');
  await desk.keyboard.press('Enter');
  await expect(desk.locator('#answer-1')).toBeEnabled();
  await expect(desk.getByText('登记库搁置了这次修改')).toBeVisible();
  const answers = desk.getByRole('group', { name: '您的选择' });
  await expect(answers.locator('label')).toContainText(['算数', '部分算数', '不算数']);
  const address = desk.getByRole('row', { name: /地址/ });
  await expect(address.locator('td')).toContainText(['村东 12 号', '村南 9 号', '尚未决定']);
  await expect(desk.locator('thead')).toContainText('钱护士');
  await expectAccessible(desk);
  await picture(desk, 'kept-aside');

  // Of the two fields one is left out, and the other is put right.
  await desk.keyboard.press('2');
  await expect(desk.locator('#take-1')).toBeFocused();
  await desk.getByLabel('采用“联系方式说明”').uncheck();
  await desk.getByLabel('地址', { exact: true }).fill('村南 9 号 2 单元');
  await expect(address.locator('td.result')).toContainText('村南 9 号 2 单元');
  await expectAccessible(desk);
  await desk.setViewportSize({ width: 360, height: 720 });
  await expectToFit(desk);
  await desk.setViewportSize({ width: 1280, height: 800 });
  await desk.getByRole('textbox', { name: '理由' }).fill('电话问过户主');
  await desk.keyboard.press('Control+Enter');
  await expect(desk.getByRole('complementary', { name: '刚才的操作' })).toContainText('已审定');
  await expect(desk.getByText('没有待审事项')).toBeVisible();
  const shown = await village.shown(village.west);
  expect(shown).toMatchObject({ residence: { address: '村南 9 号 2 单元' } });
  expect(shown).not.toHaveProperty(['contact', 'note']);

  // Taken back, it waits again, and counts as it was written now.
  await desk.getByRole('link', { name: '查看或撤销' }).click();
  await expect(desk.getByText('部分采纳或有改动')).toBeVisible();
  await desk.getByRole('button', { name: '撤销' }).click();
  await desk.getByRole('textbox', { name: '理由' }).fill('门牌记错了');
  await desk.keyboard.press('Control+Enter');
  await expect(desk.getByText('已撤销：门牌记错了')).toBeVisible();
  const other = await (await browser.newContext({ locale: 'zh-CN' })).newPage();
  await other.goto(`${office.url}/console/`);
  await enter(other, await village.reviewer('审核员七'));
  await other.keyboard.press('Enter');
  await expect(other.locator('#answer-1')).toBeEnabled();
  await expect(other.getByText('此前的决定')).toBeVisible();
  await other.keyboard.press('1');
  await other.keyboard.type('与原件一致');
  await other.keyboard.press('Control+Enter');
  await expect(other.getByRole('complementary', { name: '刚才的操作' })).toContainText('已审定');
  await other.context().close();
  expect(await village.shown(village.west)).toMatchObject({
    residence: { address: '村南 9 号' },
    contact: { note: '晚上在家' },
  });

  // Back in the village, the author reads what became of it.
  await office.enrol(tablet, village.code, staff);
  await tablet.sync();
  expect(await held()).toMatchObject([{ decided: { outcome: 'adopted', reason: '与原件一致' } }]);
  expect(await tablet.run('held')).toContain('A reviewer adopted it: 与原件一致');
  expect(JSON.parse(await tablet.run('status', '--json'))).toMatchObject({ held: 0 });
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
