// Questions for later: put off until a day, or until the staff have answered what they are asked; and what a decision would do.
import { expect, expectAccessible, expectToFit, prefer, test } from './console.ts';
import { enter } from './door.ts';
import { Village } from './village.ts';

test('a question is put off until a day, and taken up again', async ({ desk, office }) => {
  const village = await Village.found(office);
  await village.contradict('residence/address', '村西 1 号', '村西 7 号');
  await enter(desk, await village.reviewer('审核员午'));
  await desk.getByRole('link', { name: '地址' }).click();
  await expect(desk.locator('#put-off')).toBeVisible();
  await desk.keyboard.press('p');
  await desk.getByRole('button', { name: '30 天后' }).click();
  await desk.locator('#off-reason').fill('家人下月才回来');
  await expectAccessible(desk);
  await desk.locator('#put-off form').getByRole('button', { name: '延后' }).click();

  await expect(desk.getByText('没有待审事项')).toBeVisible();
  await desk.getByRole('link', { name: '1 项已延后' }).click();
  const row = desk.locator('tbody tr');
  await expect(row).toContainText('延后至');
  await row.getByRole('link').click();
  await expect(desk.getByRole('heading', { name: '已延后' })).toBeVisible();
  await expect(desk.getByText('家人下月才回来')).toBeVisible();
  await prefer(desk, 'en', 'dark');
  await desk.setViewportSize({ width: 360, height: 720 });
  await expectToFit(desk);
  await expectAccessible(desk);
  await desk.getByRole('button', { name: 'Take it up now' }).click();
  await expect(desk.locator('#ask-field')).toBeVisible();
  await desk.goto(`${office.url}/console/`);
  await expect(desk.locator('tbody tr')).toHaveCount(1);
});

test('the staff are asked on their tablets, and the question comes back with what they found', async ({
  desk,
  office,
}) => {
  const village = await Village.found(office);
  await village.contradict('residence/address', '村西 1 号', '村西 7 号');
  await enter(desk, await village.reviewer('审核员未'));
  await desk.getByRole('link', { name: '地址' }).click();
  await expect(desk.locator('#ask-field')).toBeVisible();
  await desk.keyboard.press('f');
  await desk.keyboard.type('门牌是几号？');
  await desk.locator('#ask-field form').getByRole('button', { name: '发出询问' }).click();
  await expect(desk.getByText('没有待审事项')).toBeVisible();

  await village.east.sync();
  expect(await village.east.run('asked')).toContain('门牌是几号？');
  await village.east.run('answer', village.household, '7 号，今天去看过');
  await village.east.sync();
  expect(await village.east.run('asked')).toContain('Nothing is asked');

  await desk.getByRole('link', { name: '地址' }).click();
  await expect(desk.getByRole('heading', { name: '现场的答复' })).toBeVisible();
  await expect(desk.getByText('7 号，今天去看过')).toBeVisible();
});

test('what a choice would do is said before it is done', async ({ desk, office }) => {
  const village = await Village.found(office);
  await village.contradict('residence/address', '村西 1 号', '村西 7 号');
  await enter(desk, await village.reviewer('审核员申'));
  await desk.getByRole('link', { name: '地址' }).click();
  const effects = desk.getByRole('region', { name: '审定的结果' });
  await expect(desk.locator('#answer-1')).toBeEnabled();
  await desk.keyboard.press('1');
  await expect(effects.locator('ins')).toHaveText(/村西 [17] 号/);
  await expect(effects.locator('del')).toContainText('≠');
  await expect(effects).toContainText(`${village.name}的平板会收到`);
  await expectAccessible(desk);
});
