// A tablet gets the office's code: scanned by its own camera, by a telephone's that opens its address, or typed.
import { Camera } from './camera.ts';
import { expect, expectAccessible, test } from './console.ts';
import { choosePassphrase, expectAgreed, Field } from './field.ts';
import { Village } from './village.ts';

test('the picture that the office prints enrols the tablet that sees it', async ({ office }) => {
  const village = await Village.found(office);
  const code = ['device', 'code', '--area', village.code, '--public-url', office.url];
  const camera = await Camera.seeing((await office.says(...code)).stderr);
  const field = await Field.fresh(office.url, ...camera.args);
  try {
    const page = await field.tab();
    await choosePassphrase(page);
    await page.getByRole('button', { name: '用摄像头扫描代码' }).click();
    await expect(page.getByLabel('代码', { exact: true })).toHaveValue(/^[0-9A-Z]+(-[0-9A-Z]+)+$/);
    // It has been closed by what it saw.
    await expect(page.getByLabel('摄像头画面')).toHaveCount(0);
    await page.getByRole('button', { name: '登记', exact: true }).click();
    await expectAgreed(page);
    await expect(page.getByRole('link', { name: /王秀英/ })).toBeVisible();
    // What the browser advises about reading a canvas is the reader's affair.
    expect(field.complaints.filter((text) => !text.startsWith('Canvas2D:'))).toEqual([]);
  } finally {
    await field.close();
    await camera.close();
  }
});

test('the address in the picture brings the code along, once, and without a camera it can be typed', async ({
  office,
}) => {
  const village = await Village.found(office);
  const { stdout, stderr } = await office.says('device', 'code', '--area', village.code, '--public-url', office.url);
  const address = stderr.trim().split('\n').at(-1) ?? '';
  expect(address).toBe(`${office.url}/tablet/#/enrol/${stdout.trim()}`);
  const field = await Field.fresh(office.url);
  try {
    const page = await field.tab(address);
    await choosePassphrase(page);
    const typed = page.getByLabel('代码', { exact: true });
    await expect(typed).toHaveValue(stdout.trim());
    expect(new URL(page.url()).hash).toBe('#/');
    await page.getByRole('button', { name: '用摄像头扫描代码' }).click();
    await expect(page.getByText(/^无法使用摄像头/)).toBeVisible();
    await expectAccessible(page);
    await typed.fill(stdout.trim().toLowerCase().replaceAll('-', ' '));
    await page.getByRole('button', { name: '登记', exact: true }).click();
    await expectAgreed(page);
    expect(field.complaints).toEqual([]);
  } finally {
    await field.close();
  }
});
