// One family in the records of two villages: two reviewers agree on which goes on and who is who, it is so on both villages'
// tablets, and taken back both show what they had.
import { expect, expectAccessible, expectToFit, test } from './console.ts';
import { enter } from './door.ts';
import { Village } from './village.ts';

/** What a record shows beside what was decided about it, which may be all that its health document has. */
async function apart(village: Village): Promise<Record<string, unknown>> {
  const shown = await village.shown(village.west);
  delete shown.decisions;
  delete shown.health;
  return shown;
}

test('two records of one family are joined and parted', async ({ desk, office, browser }) => {
  const [north, south] = [await Village.found(office), await Village.found(office)];
  await south.east.edit(south.household, `persons/${south.grandmother}/birth=1958-02-03`, 'contact/note=晚上在家');
  await south.meet();
  const before = [await apart(north), await apart(south)];

  await enter(desk, await north.reviewer('审核员甲', south.code));
  await desk
    .getByRole('row', { name: /可能重复登记/ })
    .getByRole('link')
    .first()
    .click();
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
  await desk.getByLabel('理由').fill('问过两家，是一家人');
  await desk.keyboard.press('Control+Enter');
  await expect(desk.getByRole('complementary', { name: '刚才的操作' })).toContainText('须另一人同意');
  expect(await apart(north)).toEqual(before[0]);

  const second = await (await browser.newContext({ locale: 'zh-CN' })).newPage();
  await second.goto(`${office.url}/console/`);
  await enter(second, await north.reviewer('审核员乙', south.code));
  await second
    .getByRole('row', { name: /可能重复登记/ })
    .getByRole('link')
    .first()
    .click();
  await expect(second.getByText(`同一家庭，继续使用${north.name}的记录`)).toBeVisible();
  await second.keyboard.press('a');
  await expect(second.getByRole('complementary', { name: '刚才的操作' })).toContainText('已审定');

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
