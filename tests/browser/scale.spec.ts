// A tablet in a browser that holds many households: what each operation takes, printed in milliseconds (median and 99th percentile).
// `HOUSEHOLDS=5000 npx playwright test scale` measures what a county's tablet would see.
import type { Page } from '@playwright/test';
import { expect, test } from './console.ts';
import { choosePassphrase, Field, sync, unlock } from './field.ts';
import { Village } from './village.ts';

const HOUSEHOLDS = Number(process.env.HOUSEHOLDS ?? 300);
const ROUNDS = 100;
/** A search that takes longer is noticed while typing. */
const SEARCH_MS_MAX = 50;

const TYPED = ['wf', '王芳', 'li', 'zhang', '4321', '10000', '陈', 'ym', 'zl', 'cj'];

test(`${HOUSEHOLDS} households`, async ({ office }) => {
  test.setTimeout(900_000);
  const village = await Village.found(office);
  await village.fill(HOUSEHOLDS);
  const staff = await office.staff('郑护士', 'worker');
  const field = await Field.fresh(office.url);
  const lines: string[] = [];
  const timed = async (name: string, work: () => Promise<void>) => {
    const began = performance.now();
    await work();
    lines.push(`${name}: ${Math.round(performance.now() - began)}`);
  };
  try {
    const page = await field.tab();
    await choosePassphrase(page);
    const code = (await office.run('device', 'code', '--area', village.code, '--staff', staff)).trim();
    await page.getByLabel('代码').fill(code);
    await timed('enrol and fetch', async () => {
      await page.getByRole('button', { name: '登记', exact: true }).click();
      await expect(page.getByRole('status').filter({ hasText: '双方一致' })).toBeVisible({ timeout: 600_000 });
    });
    await expect(page.getByRole('heading', { level: 1 })).toContainText(String(HOUSEHOLDS + 1));
    lines.push(`first load, bytes: ${await firstLoad(page)}`);

    const [medians, found] = await page.evaluate(
      async ([rounds, typed]) => {
        const channel = new BroadcastChannel('tablet');
        const ask = (command: object) =>
          new Promise<Record<string, { id: string }[]>>((resolve) => {
            const id = crypto.randomUUID();
            const hear = ({ data }: MessageEvent): void => {
              if (data.say !== 'reply' || data.id !== id) return;
              channel.removeEventListener('message', hear);
              resolve(data.answer);
            };
            channel.addEventListener('message', hear);
            channel.postMessage({ say: 'ask', id, command });
          });
        const rows = (await ask({ do: 'list', after: null, limit: 200 })).rows ?? [];
        const found: Record<string, number[]> = {};
        const measure = async (name: string, command: (at: number) => object) => {
          const times: number[] = [];
          for (let at = 0; at < rounds; at += 1) {
            const began = performance.now();
            const answer = await ask(command(at));
            if ('fault' in answer) throw new Error(JSON.stringify(answer));
            times.push(performance.now() - began);
          }
          found[name] = times.sort((a, b) => a - b);
        };
        const row = (at: number) => rows[at % rows.length]?.id;
        await measure('list a screen', () => ({ do: 'list', after: null, limit: 50 }));
        await measure('search', (at) => ({ do: 'search', text: typed[at % typed.length], limit: 50 }));
        await measure('open a household', (at) => ({ do: 'show', household: row(at * 3) }));
        await measure('save a visit', (at) => ({
          do: 'record-visit',
          household: row(at * 3),
          visit: { on: '2026-11-24', kind: 'child' },
        }));
        const at = (times: number[], part: number) => times[Math.floor((times.length - 1) * part)] ?? 0;
        const said = Object.entries(found).map(
          ([name, times]) => `${name}: ${at(times, 0.5).toFixed(1)} / ${at(times, 0.99).toFixed(1)}`,
        );
        return [
          Object.fromEntries(Object.entries(found).map(([name, times]) => [name, at(times, 0.5)])),
          said,
        ] as const;
      },
      [ROUNDS, TYPED] as const,
    );
    lines.push(...found);
    await timed('hand in the visits', () => sync(page));
    await page.reload();
    await timed('unlock and list', async () => {
      await unlock(page);
      await expect(page.getByRole('listitem').first()).toBeVisible();
    });
    lines.push(`browser's memory, MB: ${Math.round((await field.memory()) / 1e6)}`);
    console.log(lines.join('\n'));
    expect(medians.search).toBeLessThan(SEARCH_MS_MAX);
    expect(field.complaints).toEqual([]);
  } finally {
    await field.close();
  }
});

/** Bytes that cross the link when the application comes for the first time: each of its files, as the server sends it. */
async function firstLoad(page: Page): Promise<number> {
  const at = (name: string) => new URL(`/tablet/${name}`, page.url()).href;
  const list = await (await page.request.get(at('sw.js'))).text();
  const names = new Set(['', 'sw.js', 'icon.svg', 'tablet.webmanifest', ...(list.match(/assets\/[\w-]+\.\w+/g) ?? [])]);
  let bytes = 0;
  for (const name of names) {
    const answer = await page.request.get(at(name), { headers: { 'accept-encoding': 'gzip' } });
    bytes += Number(answer.headers()['content-length']);
  }
  return bytes;
}
