// The tablet in a browser: enrolled, used for as long as there is no connection, and never losing what it said was saved.
import { expect, expectAccessible, expectToFit, test } from './console.ts';
import { enter } from './door.ts';
import { choosePassphrase, enrol, expectAgreed, Field, sync, unlock } from './field.ts';
import { elsewhere, Village } from './village.ts';

test('a day without a connection: enrolled, reloaded, searched, written, handed in, and seen by another tablet', async ({
  office,
}) => {
  const village = await Village.found(office);
  const code = async () =>
    (
      await office.run('device', 'code', '--area', village.code, '--staff', await office.staff('钱护士', 'worker'))
    ).trim();
  const east = await Field.fresh(office.url);
  const west = await Field.fresh(office.url);
  try {
    const page = await east.tab();
    await expectAccessible(page);
    await enrol(page, await code());
    await expect(page.getByRole('link', { name: /王秀英/ })).toBeVisible();
    await expectAccessible(page);
    // Everything that makes the application is on the device.
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.reload();
    await unlock(page, 'not the passphrase');
    await expect(page.getByRole('alert')).toHaveText('这不是本平板的口令。');
    await unlock(page);
    await expect(page.getByRole('link', { name: /王秀英/ })).toBeVisible();

    await east.context.setOffline(true);
    await page.reload();
    await unlock(page);
    await page.getByRole('searchbox').fill('wxm');
    await expect(page.getByRole('listitem')).toHaveCount(1);
    await page.getByRole('link', { name: /王小明/ }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('王秀英家');
    await expectAccessible(page);

    await page.getByRole('button', { name: '记录走访' }).click();
    await page.getByLabel('走访对象').selectOption({ label: '王小明' });
    await page.getByLabel(/走访类别/).selectOption({ index: 3 });
    await page.getByLabel(/体重/).fill('12.5');
    await expectAccessible(page);
    await page.getByRole('button', { name: '保存' }).click();
    await expect(page.getByText('已保存在本设备上。')).toBeVisible();
    await expect(page.getByRole('region', { name: '走访' })).toContainText('12.5 kg');
    await expect(page.getByText('1 项修改待上交。')).toBeVisible();

    await page.getByRole('link', { name: '← 家庭' }).click();
    await page.getByRole('link', { name: '登记家庭' }).click();
    await page.getByRole('button', { name: '保存' }).click();
    await expect(page.getByRole('alert')).toContainText('不能为空');
    await expect(page.getByRole('textbox', { name: '姓名', exact: true })).toBeFocused();
    await page.getByRole('textbox', { name: '姓名', exact: true }).fill('李桂兰');
    await page.getByRole('textbox', { name: '地址', exact: true }).fill('村西 3 号');
    await page.getByRole('button', { name: '保存' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('李桂兰家');
    await page.getByRole('button', { name: '添加人员' }).click();
    await page.getByRole('textbox', { name: '姓名', exact: true }).fill('李冬冬');
    await page.getByRole('textbox', { name: '出生日期', exact: true }).fill('二零二零');
    await page.getByRole('button', { name: '保存' }).click();
    await expect(page.getByRole('alert')).toHaveText('出生日期：不符合要求。');
    await page.getByRole('textbox', { name: '出生日期', exact: true }).fill('2020-05');
    await page.getByRole('button', { name: '保存' }).click();
    await expect(page.getByRole('region', { name: '成员' })).toContainText('李冬冬');
    await expect(page.getByText('3 项修改待上交。')).toBeVisible();

    // Without a connection a session says so, and nothing is lost by it.
    await page.getByRole('button', { name: '上交并获取' }).click();
    await expect(page.getByText(/无法连接登记系统/)).toBeVisible();
    await page.reload();
    await unlock(page);
    await expect(page.getByText('3 项修改待上交。')).toBeVisible();

    // It hands in by itself when there is one.
    await east.context.setOffline(false);
    await expect(page.getByText('全部已上交。')).toBeVisible();
    await expectAgreed(page);

    const other = await west.tab();
    await enrol(other, await code());
    await other.getByRole('searchbox').fill('lgl');
    await other.getByRole('link', { name: /李桂兰/ }).click();
    await expect(other.getByRole('region', { name: '成员' })).toContainText('李冬冬');

    // While both have a connection, what one writes comes to the other by itself.
    await page.getByRole('button', { name: '添加人员' }).click();
    await page.getByRole('textbox', { name: '姓名', exact: true }).fill('李秋秋');
    await page.getByRole('button', { name: '保存' }).click();
    await expect(other.getByRole('region', { name: '成员' })).toContainText('李秋秋');

    // A move takes the household off both.
    await other.getByRole('button', { name: '家庭迁移' }).click();
    await other.getByRole('combobox', { name: '迁入地区' }).fill(elsewhere(40).code);
    await other.getByRole('button', { name: '保存' }).click();
    await sync(other);
    await expect(page.getByRole('alert')).toContainText('这个家庭');
    await page.getByRole('link', { name: '← 家庭' }).click();
    await expect(page.getByRole('link', { name: /王秀英/ })).toBeVisible();
    await expect(page.getByRole('link', { name: /李桂兰/ })).toHaveCount(0);

    await page.setViewportSize({ width: 360, height: 800 });
    await expectToFit(page);
    await expectAccessible(page);
    // The browser itself notes that nothing could be fetched while there was no connection.
    const unexpected = [...east.complaints, ...west.complaints].filter(
      (text) => !/ERR_INTERNET_DISCONNECTED/.test(text),
    );
    expect(unexpected).toEqual([]);
  } finally {
    await east.close();
    await west.close();
  }
});

test('two values that contradict each other are both shown', async ({ office }) => {
  const village = await Village.found(office);
  await village.contradict(`persons/${village.child}/birth`, '2021-06-20', '2021-07-01');
  const staff = await office.staff('孙护士', 'worker');
  const field = await Field.fresh(office.url);
  try {
    const page = await field.tab();
    await enrol(page, (await office.run('device', 'code', '--area', village.code, '--staff', staff)).trim());
    await expect(page.getByText('1 处矛盾')).toBeVisible();
    await page.getByRole('link', { name: /王秀英/ }).click();
    const people = page.getByRole('region', { name: '成员' });
    await expect(people).toContainText('2021年6月20日');
    await expect(people).toContainText('2021年7月1日');
    await expect(people).toContainText('≠');

    // Neither is put into the form for whoever decides; what is written there settles it.
    await people.getByRole('button', { name: '更正 · 王小明' }).click();
    const birth = page.getByRole('textbox', { name: '出生日期', exact: true });
    await expect(birth).toHaveValue('');
    await expect(birth).toHaveAccessibleDescription(/≠/);
    await expectAccessible(page);
    await birth.fill('2021-06-20');
    await page.getByRole('button', { name: '保存' }).click();
    await expect(people).not.toContainText('≠');
    await expect(people).toContainText('2021年6月20日');
    expect(field.complaints).toEqual([]);
  } finally {
    await field.close();
  }
});

test('what two tablets wrote apart is shown on both, settled at the office, and comes back to both with the reason', async ({
  desk,
  office,
}) => {
  const village = await Village.found(office);
  const fields = [await Field.fresh(office.url), await Field.fresh(office.url)];
  try {
    const tablets = [];
    for (const [at, field] of fields.entries()) {
      const page = await field.tab();
      const staff = await office.staff(at === 0 ? '陈护士' : '卫村医', 'worker');
      await enrol(page, (await office.run('device', 'code', '--area', village.code, '--staff', staff)).trim());
      await page.getByRole('link', { name: /王秀英/ }).click();
      await field.context.setOffline(true);
      await page.getByRole('button', { name: '更正 · 王小明' }).click();
      await page.getByRole('combobox', { name: '与户主关系' }).selectOption(at === 0 ? '子女' : '其他亲属');
      await page.getByRole('button', { name: '保存' }).click();
      await expect(page.getByText('1 项修改待上交。')).toBeVisible();
      tablets.push({ page, people: page.getByRole('region', { name: '成员' }) });
    }
    for (const field of fields) await field.context.setOffline(false);
    for (const { page } of [...tablets, ...tablets]) await sync(page);
    for (const { people } of tablets) await expect(people).toContainText(/子女 ≠ 其他亲属|其他亲属 ≠ 子女/);

    await enter(desk, await village.reviewer('审核员丑'));
    await desk.getByRole('link', { name: '与户主关系 · 成员' }).click();
    await desk.locator('label', { hasText: '其他亲属' }).click();
    await desk.getByLabel('理由').fill('电话问过家长');
    await desk.keyboard.press('Control+Enter');
    await expect(desk.getByText('没有待审事项')).toBeVisible();

    for (const { page, people } of tablets) {
      await sync(page);
      await expect(people).not.toContainText('≠');
      await expect(people).toContainText('其他亲属 (已审定：电话问过家长)');
      const decided = page.getByRole('region', { name: '办公室的审定' });
      await expect(decided).toContainText('填写有分歧 · 王小明的与户主关系');
      await expect(decided).toContainText('其他亲属');
      await expect(decided).toContainText('电话问过家长');
      await expect(decided).toContainText('审核员审定');
      await expectAccessible(page);
    }
  } finally {
    for (const field of fields) await field.close();
  }
});

test('a second tab follows the first, and takes over when that is closed', async ({ office }) => {
  const village = await Village.found(office);
  const staff = await office.staff('周护士', 'worker');
  const field = await Field.fresh(office.url);
  try {
    const first = await field.tab();
    await enrol(first, (await office.run('device', 'code', '--area', village.code, '--staff', staff)).trim());
    const second = await field.tab();
    // What the first has open is open in the second, which writes through it.
    await second.getByRole('link', { name: /王秀英/ }).click();
    await second.getByRole('button', { name: '添加人员' }).click();
    await second.getByRole('textbox', { name: '姓名', exact: true }).fill('王大力');
    await second.getByRole('button', { name: '保存' }).click();
    await expect(second.getByRole('region', { name: '成员' })).toContainText('王大力');
    await first.getByRole('searchbox').fill('wdl');
    await expect(first.getByRole('link', { name: /王大力/ })).toBeVisible();
    await first.close();
    await expect(second.getByRole('heading', { level: 1 })).toHaveText('解锁平板');
    await unlock(second);
    await expect(second.getByRole('region', { name: '成员' })).toContainText('王大力');
    expect(field.complaints).toEqual([]);
  } finally {
    await field.close();
  }
});

test('nothing that was said to be saved is lost when the browser is killed while it writes', async ({ office }) => {
  test.setTimeout(600_000);
  const rounds = Number(process.env.KILLS ?? 5);
  const village = await Village.found(office);
  const staff = await office.staff('吴护士', 'worker');
  const field = await Field.fresh(office.url);
  try {
    let page = await field.tab();
    await enrol(page, (await office.run('device', 'code', '--area', village.code, '--staff', staff)).trim());
    await page.evaluate(() => navigator.serviceWorker.ready);
    const saved: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await field.context.setOffline(true);
      // Writes one person after the other, as quickly as the engine answers, by the way that the page itself has.
      const writing = page
        .evaluate(
          async ([household, round]) => {
            const channel = new BroadcastChannel('tablet');
            for (let at = 0; ; at += 1) {
              const id = crypto.randomUUID();
              const name = `甲${round}-${at}`;
              const done = new Promise<{ answer: string }>((resolve) => {
                const hear = ({ data }: MessageEvent): void => {
                  if (data.say !== 'reply' || data.id !== id) return;
                  channel.removeEventListener('message', hear);
                  resolve(data.answer);
                };
                channel.addEventListener('message', hear);
              });
              const command = { do: 'add-person', household, person: { name } };
              channel.postMessage({ say: 'ask', id, command });
              const answer = await done;
              if (answer.answer !== 'edited') throw new Error(JSON.stringify(answer));
              console.info(`saved ${name}`);
            }
          },
          [village.household, round] as const,
        )
        .catch((error: Error) => error);
      const before = saved.length;
      const enough = new Promise<void>((resolve) => {
        page.on('console', (message) => {
          const name = /^saved (.*)$/.exec(message.text())?.[1];
          if (!name) return;
          saved.push(name);
          if (saved.length - before === 10 + (round % 5) * 7) resolve();
        });
      });
      await Promise.race([
        enough,
        writing.then((ended) => {
          throw ended;
        }),
      ]);
      await field.kill();
      await field.begin();
      page = await field.tab();
      await unlock(page);
      await page.getByRole('link', { name: /王秀英/ }).click();
      const people = page.getByRole('region', { name: '成员' });
      await expect(people).toContainText('王小明');
      const shown = await people.getByRole('heading', { level: 3 }).allTextContents();
      const there = new Set(shown.map((text) => text.trim()));
      expect(saved.filter((name) => !there.has(name))).toEqual([]);
      await page.getByRole('link', { name: '← 家庭' }).click();
    }
    expect(saved.length).toBeGreaterThan(rounds * 10);
    await sync(page);
  } finally {
    await field.close();
  }
});

test('a browser that lends no storage is told so', async ({ office }) => {
  const field = await Field.fresh(office.url);
  try {
    await field.context.route('**/tablet/assets/worker-*.js', async (route) => {
      const answer = await route.fetch();
      const body = `Object.defineProperty(StorageManager.prototype, 'getDirectory', { value: () => Promise.reject(new DOMException('denied', 'SecurityError')) });\n${await answer.text()}`;
      await route.fulfill({ response: answer, body });
    });
    const page = await field.tab();
    await expect(page.getByRole('alert')).toContainText('浏览器没有为此页面提供存储空间');
    await expectAccessible(page);
  } finally {
    await field.close();
  }
});

test('an engine that does not come is told, and another try brings it', async ({ office }) => {
  const field = await Field.fresh(office.url);
  try {
    await field.context.route('**/*.wasm', (route) => route.abort());
    const page = await field.tab();
    await expect(page.getByRole('alert')).toContainText('无法连接登记系统');
    await field.context.unroute('**/*.wasm');
    await page.reload();
    await choosePassphrase(page);
  } finally {
    await field.close();
  }
});

test('the passphrase is chosen with care', async ({ office }) => {
  const field = await Field.fresh(office.url);
  try {
    const page = await field.tab();
    await page.getByLabel('口令', { exact: true }).fill('short');
    await page.getByRole('button', { name: '继续' }).click();
    await expect(page.getByRole('alert')).toHaveText('请至少输入 8 个字符。');
    await page.getByLabel('口令', { exact: true }).fill('long enough');
    await page.getByLabel('再输入一次').fill('another one');
    await page.getByRole('button', { name: '继续' }).click();
    await expect(page.getByRole('alert')).toHaveText('两次输入不一致。');
    await choosePassphrase(page);
    await page.getByLabel('代码').fill('WRONG-CODE');
    await page.getByRole('button', { name: '登记', exact: true }).click();
    await expect(page.getByRole('alert')).toContainText('此代码无效');
  } finally {
    await field.close();
  }
});
