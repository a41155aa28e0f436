// A newer version of the tablet's pages, behind a real network: it waits for what is to be handed in and for what is being written.
import { expect, expectAccessible, test } from './console.ts';
import { enrol, Field, sync, unlock } from './field.ts';
import { Link, NEWER_HEADING } from './link.ts';
import { Village } from './village.ts';

/** Has the browser look for a newer version at once, and gives what became of it. */
async function fetchNewer(): Promise<string> {
  const kept = await navigator.serviceWorker.ready;
  await kept.update();
  const coming = kept.installing;
  if (!coming) return 'none';
  await new Promise((done) => coming.addEventListener('statechange', done));
  return coming.state;
}

test('a newer version waits until everything is handed in and no form is being filled in, in whichever tab', async ({
  office,
}) => {
  const village = await Village.found(office);
  const staff = await office.staff('郑护士', 'worker');
  const link = await Link.to(office.url);
  const field = await Field.fresh(link.url);
  try {
    let page = await field.tab();
    await enrol(page, (await office.run('device', 'code', '--area', village.code, '--staff', staff)).trim());
    // What does not belong together is no version, as in the middle of an update of the office.
    await link.release('half');
    await page.reload();
    expect(await page.evaluate(fetchNewer)).toBe('redundant');
    await unlock(page);
    await expect(page.getByRole('link', { name: /王秀英/ })).toBeVisible();

    await field.context.setOffline(true);
    await page.getByRole('link', { name: '登记家庭' }).click();
    await page.getByRole('textbox', { name: '姓名', exact: true }).fill('李桂兰');
    await page.getByRole('button', { name: '保存' }).click();
    await expect(page.getByText('1 项修改待上交。')).toBeVisible();

    // With the connection the newer version comes, but the register cannot be reached yet.
    await link.release('whole');
    link.go('down');
    await field.context.setOffline(false);
    const newer = () => page.getByRole('complementary');
    await expect(newer()).toContainText('全部上交后即可使用', { timeout: 60_000 });
    await expect(newer().getByRole('button')).toHaveCount(0);
    await expectAccessible(page);

    // However often the pages are opened anew, they are those of before.
    await page.reload();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('解锁平板');
    await page.close();
    page = await field.tab();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('解锁平板');
    await expect(newer()).toContainText('请解锁平板');
    await expect(newer().getByRole('button')).toHaveCount(0);
    await unlock(page);
    await expect(newer()).toContainText('全部上交后即可使用');

    // In another tab somebody is writing.
    const second = await field.tab();
    await second.getByRole('link', { name: /王秀英/ }).click();
    await second.getByRole('button', { name: '添加人员' }).click();
    await second.getByRole('textbox', { name: '姓名', exact: true }).fill('王大力');
    link.go('whole');
    await sync(page);
    await expect(newer()).toContainText('正在填写的表单');
    await expect(newer().getByRole('button')).toHaveCount(0);
    await second.getByRole('button', { name: '取消' }).click();
    await expect(second.getByRole('complementary').getByRole('button')).toBeVisible();
    await expectAccessible(page);

    await newer().getByRole('button', { name: '现在使用' }).click();
    for (const tab of [page, second]) {
      await expect(tab.getByRole('heading', { level: 1 })).toHaveText(NEWER_HEADING);
      await expect(tab.getByRole('complementary')).toHaveCount(0);
    }
    // It is whole: it opens without a connection, and what was written before is there.
    await second.close();
    await field.context.setOffline(true);
    await page.reload();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(NEWER_HEADING);
    await unlock(page);
    await expect(page.getByRole('link', { name: /李桂兰/ })).toBeVisible();
    await expect(page.getByText('全部已上交。')).toBeVisible();
  } finally {
    await field.close();
    await link.close();
  }
});
