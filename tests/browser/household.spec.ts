// A household's page: its story is gone through change by change, by mouse and by keyboard.
import { expect, expectAccessible, expectToFit, picture, prefer, test } from './console.ts';
import { enter } from './door.ts';
import { Village } from './village.ts';

test('what the record said at any moment is one key away', async ({ desk, office }) => {
  const village = await Village.found(office);
  await village.east.edit(village.household, 'residence/address=村东 13 号');
  await village.east.edit(village.household, 'residence/address=村东 14 号');
  await village.contradict('consent/care', 'refused', 'withdrawn');
  await enter(desk, await village.reviewer('审核员辛'));
  await desk.goto(`${office.url}/console/household?id=${village.household}`);
  const story = desk.getByRole('region', { name: '经过' });
  await expect(story).toContainText('第 5 次改动，共 5 次');

  const slider = story.getByRole('slider');
  await slider.focus();
  await desk.keyboard.press('Home');
  await expect(story).toContainText('登记家庭');
  await expect(story.getByRole('list')).toContainText('村东 12 号');
  await expect(slider).toHaveAttribute('aria-valuetext', /第 1 次改动.*张护士/);
  await desk.keyboard.press('ArrowRight');
  await desk.keyboard.press('ArrowRight');
  await expect(story.locator('del')).toHaveText('村东 13 号');
  await expect(story.locator('ins')).toHaveText('村东 14 号');

  // Fields that say something else now come first.
  await story.getByRole('button', { name: '更早' }).click();
  await story.getByText('当时的完整记录').click();
  const rows = story.locator('tbody tr');
  await expect(rows.filter({ hasText: '村东 13 号' })).toContainText('村东 14 号');
  await expect(rows.first()).not.toContainText('相同');
  await expect(rows.last()).toContainText('相同');
  await expectAccessible(desk);
  await story.scrollIntoViewIfNeeded();
  await picture(desk, 'story-zh-CN-light');

  await prefer(desk, 'en', 'dark');
  await desk.setViewportSize({ width: 360, height: 720 });
  await expectToFit(desk);
  await expectAccessible(desk);
});
