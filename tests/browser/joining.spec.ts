// One family in the records of two villages: two reviewers agree on which goes on and who is who, it is so on both villages'
// tablets, and taken back both show what they had. What a tablet that has not heard writes meanwhile is carried over or left.
import type { Browser, Page } from '@playwright/test';
import { expect, expectAccessible, expectToFit, test } from './console.ts';
import { enter } from './door.ts';
import type { Office } from './office.ts';
import { type Reviewer, Village } from './village.ts';

/** What a record shows beside what was decided about it, which may be all that its health document has. */
async function apart(village: Village): Promise<Record<string, unknown>> {
  const shown = await village.shown(village.west);
  delete shown.decisions;
  delete shown.health;
  return shown;
}

/** What came of the decisions about a record, as its tablets show it. */
async function outcomes(village: Village): Promise<string[]> {
  const { decisions } = await village.shown(village.west);
  return Object.values(decisions as Record<string, { outcome: string }>)
    .map(({ outcome }) => outcome)
    .toSorted();
}

/** Opens a question of a kind from the list; its heading is there before it has been read, and its answers after. */
async function open(page: Page, kind: RegExp): Promise<void> {
  await page.getByRole('row', { name: kind }).getByRole('link').first().click();
  await expect(page.getByRole('group', { name: '您的选择' })).toBeVisible();
}

/** Gives the reason for what is chosen, and commits it; what came of it is told in these words. */
async function commit(page: Page, reason: string, told: string): Promise<void> {
  await page.getByLabel('理由').fill(reason);
  await page.keyboard.press('Control+Enter');
  await expectTold(page, told);
}

async function expectTold(page: Page, text: string): Promise<void> {
  await expect(page.getByRole('complementary', { name: '刚才的操作' })).toContainText(text);
}

/** Somebody else, in a browser of their own, agrees to the joining into a village's record. */
async function agreed(browser: Browser, office: Office, who: Reviewer, goesOn: Village): Promise<Page> {
  const page = await (await browser.newContext({ locale: 'zh-CN' })).newPage();
  await page.goto(`${office.url}/console/`);
  await enter(page, who);
  await open(page, /可能重复登记/);
  await expect(page.getByText(`同一家庭，继续使用${goesOn.name}的记录`)).toBeVisible();
  await page.keyboard.press('a');
  await expectTold(page, '已审定');
  return page;
}

test('two records of one family are joined and parted', async ({ desk, office, browser }) => {
  const [north, south] = [await Village.found(office), await Village.found(office)];
  await south.east.edit(south.household, `persons/${south.grandmother}/birth=1958-02-03`, 'contact/note=晚上在家');
  await south.meet();
  const before = [await apart(north), await apart(south)];

  await enter(desk, await north.reviewer('审核员甲', south.code));
  await open(desk, /可能重复登记/);
  await expect(desk.getByRole('heading', { name: '两户对照' })).toBeVisible();
  await desk.keyboard.press('1');
  // The south's record has one more change; the north's is to go on all the same.
  const goesOn = desk.getByRole('group', { name: '哪份记录继续使用' });
  await expect(goesOn.getByRole('radio', { name: new RegExp(south.name) })).toBeChecked();
  await desk.keyboard.press('ArrowUp');
  await expect(goesOn.getByRole('radio', { name: new RegExp(north.name) })).toBeChecked();
  const who = desk.getByRole('group', { name: '人员对应' });
  await expect(who.getByLabel('王小明即')).toHaveValue(north.child);
  const preview = desk.getByRole('region', { name: '合并后的变化' });
  await expect(preview).toContainText('填补空缺 1 项');
  await expect(preview).toContainText('王秀英的出生日期');
  await expectAccessible(desk);

  // Nobody is the child's namesake: then he is copied.
  await who.getByLabel('王小明即').selectOption('');
  await expect(preview).toContainText('成员 1 人');
  await who.getByLabel('王小明即').selectOption(north.child);
  await expect(preview).not.toContainText('成员 1 人');
  await desk.setViewportSize({ width: 360, height: 720 });
  await expectToFit(desk);
  await desk.setViewportSize({ width: 1280, height: 800 });
  await commit(desk, '问过两家，是一家人', '须另一人同意');
  expect(await apart(north)).toEqual(before[0]);

  const second = await agreed(browser, office, await north.reviewer('审核员乙', south.code), north);

  // The tablets of both villages show it. Which of two values stands first depends on who drew which number.
  const [ours, theirs] = [await north.shown(north.west), await south.shown(south.west)];
  const { birth } = (ours.persons as Record<string, { birth: { contradicted: string[] } }>)[north.grandmother] ?? {};
  expect(ours.contact).toMatchObject({ note: '晚上在家' });
  expect(birth?.contradicted.toSorted()).toEqual(['1958-02-03', '1958-03-02']);
  expect(theirs.goes_on).toBe(north.household);
  expect(await south.west.run('list')).toContain('goes on elsewhere');

  // Each record names the other, and the joining is taken back where either is.
  await second.goto(`${office.url}/console/household?id=${south.household}`);
  const names = second.getByRole('region', { name: '该家庭的记录已续于另一份' });
  await expect(names.getByRole('link')).toContainText(north.name);
  await expectAccessible(second);
  await names.getByRole('link').click();
  await expect(second.getByRole('region', { name: '本记录已并入' }).getByRole('link')).toContainText(south.name);
  await second.getByRole('button', { name: '撤销' }).first().click();
  await second.getByRole('dialog').getByLabel('理由').fill('看错了');
  await second.keyboard.press('Control+Enter');
  await expect(second.getByText('已撤销：看错了').first()).toBeVisible();
  await second.context().close();
  expect([await apart(north), await apart(south)]).toEqual(before);
});

test('what is written in a record that goes on in another is carried over, or left there', async ({
  desk,
  office,
  browser,
}) => {
  const [north, south] = [await Village.found(office), await Village.found(office)];
  await enter(desk, await north.reviewer('审核员丙', south.code));
  await open(desk, /可能重复登记/);
  await expect(desk.getByRole('heading', { name: '两户对照' })).toBeVisible();
  await desk.keyboard.press('1');
  // Of two that are alike, the one that was begun first goes on.
  const goesOn = desk.getByRole('group', { name: '哪份记录继续使用' });
  await expect(goesOn.getByRole('radio', { name: new RegExp(north.name) })).toBeChecked();
  await commit(desk, '问过两家，是一家人', '须另一人同意');
  const second = await agreed(browser, office, await north.reviewer('审核员丁', south.code), north);
  await second.context().close();

  // Neither tablet of the south has heard of it. What the first writes is told to the desk without asking, and carried over.
  const [grandmother, child] = [`persons/${south.grandmother}/phone`, `persons/${south.child}/phone`];
  await south.west.edit(south.household, `${grandmother}=10000000044`);
  await south.east.edit(south.household, `${child}=10000000055`);
  await south.west.sync();
  await open(desk, /已并记录的修改/);
  await expect(desk.getByRole('heading', { level: 1 })).toHaveText('对已续于另一份的记录的修改');
  await desk.keyboard.press('1');
  const preview = desk.getByRole('region', { name: '合并后的变化' });
  await expect(preview).toContainText('填补空缺 1 项');
  await expectAccessible(desk);
  await commit(desk, '号码是对的', '已审定');
  const persons = async (village: Village) => (await village.shown(village.west)).persons;
  expect(await persons(north)).toMatchObject({ [north.grandmother]: { phone: '10000000044' } });
  expect(await outcomes(south)).toEqual(['adopted', 'same']);

  // What the other wrote stays in the record where it stands.
  await south.east.sync();
  await open(desk, /已并记录的修改/);
  await desk.keyboard.press('2');
  await commit(desk, '孩子没有自己的电话', '已审定');
  const [ours, theirs] = [await persons(north), await persons(south)];
  expect(ours).not.toMatchObject({ [north.child]: { phone: '10000000055' } });
  expect(theirs).toMatchObject({
    [south.grandmother]: { phone: '10000000044' },
    [south.child]: { phone: '10000000055' },
  });
  expect(await outcomes(south)).toEqual(['adopted', 'refused', 'same']);
  await expect(desk.getByRole('row', { name: /已并记录的修改/ })).toHaveCount(0);
});
