// The same family, registered in two villages: who answers for both is asked, says what is so, and takes it back.
import { expect, expectAccessible, expectToFit, test } from './console.ts';
import { enter } from './door.ts';
import { Village } from './village.ts';

test('two villages that registered one family are asked about where both lie', async ({ desk, office, browser }) => {
  const [north, south] = [await Village.found(office), await Village.found(office)];
  // However many villages have a family of these names, these two have one family.
  for (const village of [north, south]) {
    await village.east.edit(village.household, `persons/${village.grandmother}/id_number=990000195803020040`);
    await village.meet();
  }
  // The other village heard and typed differently.
  await south.east.edit(south.household, `persons/${south.grandmother}/birth=1958-02-03`, 'contact/phone=10087654321');
  await south.east.edit(south.household, `persons/${south.child}/name=王晓明`);
  await south.meet();

  const apart = await (await browser.newContext({ locale: 'zh-CN' })).newPage();
  await apart.goto(`${office.url}/console/`);
  await enter(apart, await north.reviewer('审核员甲'));
  await expect(apart.getByText('没有待审事项')).toBeVisible();
  await apart.context().close();

  await enter(desk, await north.reviewer('审核员乙', south.code));
  const row = desk.getByRole('row', { name: /可能重复登记/ });
  await expect(row).toHaveCount(1);
  await expectAccessible(desk);
  await desk.keyboard.press('Enter');
  await expect(desk.getByRole('heading', { level: 1 })).toContainText('王秀英家');
  await expect(desk.getByRole('heading', { name: '两户对照' })).toBeVisible();
  const birth = desk.getByRole('row', { name: /出生日期/ }).first();
  await expect(birth).toContainText('月和日颠倒');
  await expect(desk.getByText('读音相近').or(desk.getByText('同音不同')).first()).toBeVisible();
  await expectAccessible(desk);
  await desk.setViewportSize({ width: 360, height: 720 });
  await expectToFit(desk);
  await desk.setViewportSize({ width: 1280, height: 800 });

  await desk.keyboard.press('2');
  await desk.keyboard.type('问过两家，不是一家人');
  await desk.keyboard.press('Control+Enter');
  await expect(desk.getByRole('complementary', { name: '刚才的操作' })).toContainText('已审定');
  for (const village of [north, south]) {
    const shown = await village.shown(village.west);
    expect(Object.values(shown.decisions as object)).toMatchObject([{ outcome: 'different' }]);
  }

  await desk.getByRole('link', { name: '查看或撤销' }).click();
  await expect(desk.getByText('两个家庭')).toBeVisible();
  await desk.getByRole('button', { name: '撤销' }).first().click();
  await desk.getByLabel('理由').fill('看错了');
  await desk.keyboard.press('Control+Enter');
  await desk.getByRole('navigation', { name: '页面' }).getByRole('link').first().click();
  await expect(desk.getByRole('row', { name: /可能重复登记/ })).toHaveCount(1);
});
