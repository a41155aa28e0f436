// What is written of a family on a tablet in a browser, beside visits and moves: what it asks for, where it lives, who left, and the
// card by which its record follows it.
import { expect, expectAccessible, expectToFit, test } from './console.ts';
import { enrol, Field, sync } from './field.ts';
import { elsewhere, Village } from './village.ts';

test('a request, another address, and somebody who left and came back', async ({ office }) => {
  const village = await Village.found(office);
  const field = await Field.fresh(office.url);
  try {
    const page = await field.tab();
    await enrol(page, (await office.run('device', 'code', '--area', village.code)).trim());
    await page.getByRole('link', { name: /王秀英/ }).click();

    await page.getByRole('button', { name: '记录诉求' }).click();
    await page.getByLabel(/诉求类别/).selectOption({ label: '入学' });
    await page.getByRole('textbox', { name: /^诉求/ }).fill('九月入学');
    await page.getByLabel('诉求对象').selectOption({ label: '王小明' });
    await page.getByRole('button', { name: '保存' }).click();
    await expect(page.getByRole('region', { name: '诉求' })).toContainText('九月入学');

    await page.getByRole('button', { name: '更正地址与联系方式' }).click();
    await expect(page.getByRole('textbox', { name: '地址', exact: true })).toHaveValue('村东 12 号');
    await page.getByRole('textbox', { name: '地址', exact: true }).fill('村南 5 号');
    await page.getByRole('button', { name: '保存' }).click();
    await expect(page.getByRole('region', { name: '居住与联系' })).toContainText('村南 5 号');

    await page.getByRole('button', { name: '移出本户 · 王小明' }).click();
    await page.getByRole('button', { name: '保存' }).click();
    await expect(page.getByRole('alert')).toContainText('不能为空');
    await page.getByLabel(/移出原因/).selectOption({ index: 2 });
    await expectAccessible(page);
    await page.getByRole('button', { name: '保存' }).click();
    const people = page.getByRole('region', { name: '成员' });
    await expect(people.getByRole('heading', { name: /王小明/ })).toContainText('已移出');
    await page.getByRole('button', { name: '撤销移出 · 王小明' }).click();
    await page.getByLabel(/移出说明/).fill('回来了');
    await page.getByRole('button', { name: '保存' }).click();
    await expect(people.getByRole('heading', { name: /王小明/ })).not.toContainText('已移出');

    await page.setViewportSize({ width: 360, height: 800 });
    await expectToFit(page);
    await sync(page);
    expect(field.complaints).toEqual([]);
    const shown = await village.shown(village.east);
    expect(shown).toMatchObject({ residence: { address: '村南 5 号' } });
    expect(Object.values(shown.needs as object)).toMatchObject([{ kind: 'school', person: village.child }]);
  } finally {
    await field.close();
  }
});

test('a family that is here already is shown while it is registered, and its card lets its record follow it', async ({
  office,
}) => {
  const village = await Village.found(office);
  const away = elsewhere(44);
  const old = await Field.fresh(office.url);
  const door = await Field.fresh(office.url);
  try {
    const here = await old.tab();
    await enrol(here, (await office.run('device', 'code', '--area', village.code)).trim());
    await here.getByRole('link', { name: '登记家庭' }).click();
    await here.getByRole('textbox', { name: '姓名', exact: true }).fill('王秀瑛');
    await here.getByRole('textbox', { name: '出生日期', exact: true }).fill('1958-03-02');
    await here.getByLabel('性别').selectOption({ label: '女' });
    await here.getByRole('textbox', { name: '证件号', exact: true }).fill('990000199001010017');
    const likely = here.getByRole('region', { name: '这个家庭可能已经登记：' });
    await expect(likely).toContainText('王秀英');
    await expectAccessible(here);
    await likely.getByRole('link', { name: /王秀英/ }).click();
    await expect(here.getByRole('heading', { level: 1 })).toHaveText('王秀英家');

    await here.getByRole('button', { name: '家庭卡' }).click();
    const card = here.getByRole('region', { name: '家庭卡' });
    await expect(card.getByRole('img')).toBeVisible();
    const typed = (await card.getByText(/^[0-9A-Z]{4}(-[0-9A-Z]{4})+$/).textContent()) ?? '';
    await expectAccessible(here);
    // The paper has the card and nothing else.
    await here.emulateMedia({ media: 'print' });
    await expect(card.getByRole('img')).toBeVisible();
    await expect(here.getByText('王小明').first()).toBeHidden();
    await here.emulateMedia({ media: 'screen' });

    const there = await door.tab();
    await enrol(there, (await office.run('device', 'code', '--area', away.code)).trim());
    await there.getByRole('link', { name: '登记家庭' }).click();
    await there.getByRole('textbox', { name: '姓名', exact: true }).fill('王秀英');
    await there.getByRole('textbox', { name: '出生日期', exact: true }).fill('1958-03-02');
    await there.getByRole('textbox', { name: '地址', exact: true }).fill('南苑社区 3 号');
    await there.getByRole('button', { name: '保存' }).click();
    await there.getByRole('button', { name: '从外地迁来' }).click();
    await there.getByRole('combobox', { name: '迁出地区' }).fill(village.code);
    await there.getByRole('textbox', { name: '出示的家庭卡' }).fill(typed);
    await there.getByRole('button', { name: '保存' }).click();
    await expect(there.getByText('已保存在本设备上。')).toBeVisible();
    await sync(there);
    await there.getByRole('link', { name: '← 家庭' }).click();
    // Its own record is here, with the child that nobody typed again.
    await there.getByRole('searchbox').fill('wxm');
    await expect(there.getByRole('link', { name: /王小明/ })).toBeVisible();
    await expect(here.getByRole('alert')).toContainText('这个家庭');
    expect([...old.complaints, ...door.complaints]).toEqual([]);
  } finally {
    await old.close();
    await door.close();
  }
});
