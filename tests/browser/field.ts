// A tablet in a browser, as its owner has it: a profile of its own, in which everything stays when the browser ends, however it ends.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, expect, type Page } from '@playwright/test';
import type { Language, Theme } from './console.ts';
import config from './playwright.config.ts';

export const PASSPHRASE = 'four villages, one register';

export class Field {
  readonly #profile: string;
  readonly #url: string;
  readonly #args: string[];
  /** What the browser complained of, on any page. */
  readonly complaints: string[] = [];
  #context: BrowserContext | undefined;

  private constructor(profile: string, url: string, args: string[]) {
    this.#profile = profile;
    this.#url = url;
    this.#args = args;
  }

  /** A browser that has never been here, started with these arguments besides. */
  static async fresh(url: string, ...args: string[]): Promise<Field> {
    const field = new Field(await mkdtemp(join(tmpdir(), 'sojourn-field-')), url, args);
    await field.begin();
    return field;
  }

  get context(): BrowserContext {
    if (!this.#context) throw new Error('the browser is not running');
    return this.#context;
  }

  /** Starts the browser on its profile. */
  async begin(): Promise<void> {
    const { launchOptions, viewport, locale, timezoneId } = config.use ?? {};
    this.#context = await chromium.launchPersistentContext(this.#profile, {
      ...launchOptions,
      args: [...(launchOptions?.args ?? []), ...this.#args],
      viewport: viewport ?? null,
      locale: locale ?? 'zh-CN',
      timezoneId: timezoneId ?? 'Asia/Shanghai',
      handleSIGINT: false,
    });
    await this.#context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`against the policy: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
  }

  /** A tab on the tablet's page, or on another address of it. */
  async tab(address = `${this.#url}/tablet/`): Promise<Page> {
    const page = await this.context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    await page.goto(address);
    return page;
  }

  /** Bytes that all processes of the browser have in memory; what they share counts once. */
  async memory(): Promise<number> {
    const sizes = (await processes(this.#profile)).map(async (pid) => {
      const said = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
      return 1024 * Number(/^Pss:\s+(\d+)/m.exec(said)?.[1] ?? 0);
    });
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  }

  /** Ends the browser as a dead battery would: every process of it at once, in the middle of whatever it does. */
  async kill(): Promise<void> {
    const ended = this.context.waitForEvent('close', { timeout: 0 });
    for (const pid of await processes(this.#profile)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended with its parent.
      }
    }
    await ended;
    this.#context = undefined;
  }

  /** Ends the browser, and takes the profile away. */
  async close(): Promise<void> {
    await this.#context?.close();
    await rm(this.#profile, { recursive: true, force: true });
  }
}

/** The processes that were started on this profile, and theirs. */
async function processes(profile: string): Promise<number[]> {
  const parents = new Map<number, number>();
  const found: number[] = [];
  for (const name of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    try {
      const [command, stat] = await Promise.all([
        readFile(`/proc/${name}/cmdline`, 'utf8'),
        readFile(`/proc/${name}/stat`, 'utf8'),
      ]);
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      if (command.includes(profile)) found.push(Number(name));
    } catch {
      // It has ended meanwhile.
    }
  }
  for (let at = 0; at < found.length; at += 1) {
    for (const [child, parent] of parents) {
      if (parent === found[at] && !found.includes(child)) found.push(child);
    }
  }
  return found;
}

/** Chooses a passphrase where there is no tablet yet. */
export async function choosePassphrase(page: Page): Promise<void> {
  await page.getByLabel('口令', { exact: true }).fill(PASSPHRASE);
  await page.getByLabel('再输入一次').fill(PASSPHRASE);
  await page.getByRole('button', { name: '继续' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('登记本平板');
}

export async function unlock(page: Page, passphrase = PASSPHRASE): Promise<void> {
  await page.getByLabel('口令', { exact: true }).fill(passphrase);
  await page.getByRole('button', { name: '解锁' }).click();
}

/** From an empty browser to the households of an area. */
export async function enrol(page: Page, code: string): Promise<void> {
  await choosePassphrase(page);
  await redeem(page, code);
}

/** From a passphrase to the households of an area. */
export async function redeem(page: Page, code: string): Promise<void> {
  await page.getByLabel('代码').fill(code);
  await page.getByRole('button', { name: '登记', exact: true }).click();
  await expectAgreed(page);
}

/** Both sides hold the same, and the page says so. */
export async function expectAgreed(page: Page): Promise<void> {
  await expect(page.getByRole('status').filter({ hasText: '双方一致' })).toBeVisible();
}

export async function sync(page: Page): Promise<void> {
  await page.getByRole('button', { name: '上交并获取' }).click();
  await expectAgreed(page);
  await expect(page.getByText('全部已上交。')).toBeVisible();
}

/** Chooses how the pages look, in whichever language they are. */
export async function look(
  page: Page,
  wanted: { language?: Language; theme?: Theme; size?: 100 | 200 },
): Promise<void> {
  const opener = page.locator('[popovertarget=looks]');
  await opener.click();
  const selects = page.locator('#looks select');
  for (const [at, value] of [wanted.language, wanted.theme, wanted.size].entries()) {
    if (value) await selects.nth(at).selectOption(String(value));
  }
  await opener.click();
  await page.mouse.move(0, 0);
  await expect(selects.first()).toBeHidden();
}

/** What a finger needs, in CSS pixels. */
const TARGET_MIN = 44;

/** All that is pressed is inside the window, large enough, apart from the rest, and says its words whole. */
export async function expectInReach(page: Page): Promise<void> {
  const wrong = await page.evaluate((least) => {
    const { clientWidth } = document.documentElement;
    const pressed = [...document.querySelectorAll<HTMLElement>('a, button, input, select, textarea, summary')]
      .filter((each) => each.checkVisibility())
      .map((each) => ({ each, box: each.getBoundingClientRect() }));
    const faults: [string, (of: (typeof pressed)[number]) => boolean][] = [
      ['small', ({ box }) => box.width < least || box.height < least],
      ['outside', ({ box }) => box.left < 0 || box.right > clientWidth],
      ['cut', ({ each }) => each.matches('a, button, summary') && each.scrollWidth > each.clientWidth],
      [
        'covered',
        ({ each, box }) =>
          pressed.some(
            (other) =>
              other.each !== each &&
              other.box.left < box.right &&
              box.left < other.box.right &&
              other.box.top < box.bottom &&
              box.top < other.box.bottom,
          ),
      ],
    ];
    return pressed.flatMap((of) =>
      faults.filter(([, is]) => is(of)).map(([name]) => `${name}: ${of.each.outerHTML.slice(0, 160)}`),
    );
  }, TARGET_MIN);
  expect(wrong).toEqual([]);
}
