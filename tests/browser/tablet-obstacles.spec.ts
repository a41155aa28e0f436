// Whatever stands between a tablet and the register is said in a sentence of its own, and takes nothing away.
import { expect, expectAccessible, test } from './console.ts';
import { enrol, Field, sync, unlock } from './field.ts';
import { Link, type Way } from './link.ts';
import { Village } from './village.ts';

const SENTENCES: [Way, string][] = [
  ['down', '无法连接登记系统。所有内容都安全保存在本设备上'],
  ['portal', '应答的不是登记系统，例如网络要求先登录。'],
  ['cut', '连接中断。已到的内容会保留'],
  ['unproven', '登记系统已不认识本平板。未上交的内容仍在其中'],
];
const HOUR_MS = 3_600_000;

test('a link that is down, caught, cut or half open, a session that ended, a wrong clock and a withdrawn tablet', async ({
  office,
}) => {
  const village = await Village.found(office);
  const staff = await office.staff('冯护士', 'worker');
  const link = await Link.to(office.url);
  const field = await Field.fresh(link.url);
  try {
    const page = await field.tab();
    await enrol(page, (await office.run('device', 'code', '--area', village.code, '--staff', staff)).trim());
    link.go('down');
    await page.getByRole('link', { name: /王秀英/ }).click();
    const write = async (name: string) => {
      await page.getByRole('button', { name: '添加人员' }).click();
      await page.getByRole('textbox', { name: '姓名', exact: true }).fill(name);
      await page.getByRole('button', { name: '保存' }).click();
    };
    const standing = page.getByRole('region', { name: '上交并获取' });
    const expectSaid = async (sentence: string) => {
      await standing.getByRole('button').click();
      await expect(standing.getByRole('status')).toContainText(sentence, { timeout: 30_000 });
      await expect(standing).toContainText('1 项修改待上交。');
    };
    await write('王大力');
    for (const [way, sentence] of SENTENCES) {
      link.go(way);
      await expectSaid(sentence);
    }

    const engine = page.workers()[0];
    if (!engine) throw new Error('the page has no worker');
    link.go('whole');
    await engine.evaluate((fast) => {
      const Right = Date;
      class Wrong extends Right {
        constructor(at?: number) {
          super(at ?? Right.now() + fast);
        }
      }
      Object.assign(globalThis, { Date: Wrong });
    }, HOUR_MS);
    await expectSaid('设备时钟不对。请设好日期和时间后重试。');

    // The engine bears half a minute of silence, by its worker's timers, which hurry now.
    await engine.evaluate(() => {
      const wait = setTimeout;
      Object.assign(globalThis, { setTimeout: (then: () => void, ms = 0) => wait(then, ms / 30) });
    });
    link.go('silent');
    await expectSaid('有连接，但没有数据传来。所有内容都安全保存在本设备上。');
    await page.reload();
    await unlock(page);
    link.go('whole');
    await sync(page);
    await expect(page.getByRole('region', { name: '成员' })).toContainText('王大力');

    // Of a tablet that was lost the office takes the authority away; what is on it stays there, readable with the passphrase alone.
    const devices = JSON.parse(await office.run('device', 'list', '--json')) as { device: string; staff: string }[];
    const device = devices.find((row) => row.staff === staff)?.device ?? '';
    await office.run('device', 'withdraw', device);
    await write('王小力');
    await expectSaid(
      '办公室已收回本平板的权限，不能再上交和获取。已有的内容和未上交的修改仍加密保存在其中：请把它送到办公室。',
    );
    await expectAccessible(page);
    await page.reload();
    await unlock(page, 'not the passphrase');
    await expect(page.getByRole('alert')).toHaveText('这不是本平板的口令。');
    await unlock(page);
    await expect(page.getByRole('region', { name: '成员' })).toContainText('王小力');
    await expect(standing).toContainText('1 项修改待上交。');
  } finally {
    await field.close();
    await link.close();
  }
});
