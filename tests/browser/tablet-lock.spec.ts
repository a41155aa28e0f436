// A tablet that is left lying locks itself, and takes nothing away that somebody was writing.
import { expect, test } from './console.ts';
import { enrol, Field, unlock } from './field.ts';
import { Village } from './village.ts';

test('a tablet locks itself after five minutes without a touch, in every tab, but never a form that is being filled in', async ({
  office,
}) => {
  const village = await Village.found(office);
  const staff = await office.staff('陈护士', 'worker');
  const field = await Field.fresh(office.url);
  try {
    const { clock } = field.context;
    await clock.install();
    const first = await field.tab();
    await enrol(first, (await office.run('device', 'code', '--area', village.code, '--staff', staff)).trim());
    const second = await field.tab();
    for (const tab of [first, second]) await tab.getByRole('link', { name: /王秀英/ }).click();
    const people = first.getByRole('region', { name: '成员' });

    await second.getByRole('button', { name: '添加人员' }).click();
    await second.getByRole('textbox', { name: '姓名', exact: true }).fill('王大力');
    await clock.fastForward('10:00');
    await second.getByRole('button', { name: '保存' }).click();
    await expect(people).toContainText('王大力');

    // A touch of one tab is one of the tablet: the other is not locked either.
    await clock.fastForward('04:00');
    await second.getByRole('button', { name: '添加人员' }).click();
    await second.getByRole('textbox', { name: '姓名', exact: true }).fill('王小力');
    await second.getByRole('button', { name: '保存' }).click();
    await expect(people).toContainText('王小力');
    await clock.fastForward('04:00');
    await first.getByRole('link', { name: '← 家庭' }).click();
    await expect(first.getByRole('link', { name: /王秀英/ })).toBeVisible();

    await clock.fastForward('06:00');
    for (const tab of [first, second]) {
      await expect(tab.getByRole('heading', { level: 1 })).toHaveText('解锁平板');
    }
    await unlock(first);
    await expect(second.getByRole('region', { name: '成员' })).toContainText('王小力');
    expect(field.complaints).toEqual([]);
  } finally {
    await field.close();
  }
});
