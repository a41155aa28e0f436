// The scenarios of `tests/scenarios`, on the engine in a browser: its worker alone, without the page that would hand in by itself. The
// native engine goes through the same files (`tests/tests/system/scenarios.rs`).
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, test } from './console.ts';
import { Field } from './field.ts';
import { type Office, ROOT } from './office.ts';
import { elsewhere } from './village.ts';

interface Scenario {
  what: string;
  steps: Step[];
}

/** `{name}` stands for what was kept under that name, `{code:NAME}` for a code for that area. */
type Step = { on: string; do: object; gives: object; keep?: Record<string, string> } | { office: string[] };

const FOLDER = join(ROOT, 'tests/scenarios');

for (const [at, file] of readdirSync(FOLDER).sort().entries()) {
  const scenario: Scenario = JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));
  test(`${file}: ${scenario.what}`, async ({ office }) => {
    const tablets = new Map<string, { field: Field; page: Page }>();
    const kept = new Map([
      ['server', office.url],
      ['here', elsewhere(20 + 2 * at).code],
      ['there', elsewhere(21 + 2 * at).code],
    ]);
    try {
      for (const [number, step] of scenario.steps.entries()) {
        if ('office' in step) {
          const args = await Promise.all(step.office.map((text) => filled(text, kept, office)));
          await office.run(...args);
          continue;
        }
        let tablet = tablets.get(step.on);
        if (!tablet) {
          const field = await Field.fresh(office.url);
          tablet = { field, page: await field.tab(`${office.url}/tablet/icon.svg`) };
          tablets.set(step.on, tablet);
          await begin(tablet.page);
        }
        const command = await fill(step.do, kept, office);
        const answer = await ask(tablet.page, command);
        expect(sorted(answer), `step ${number + 1}: ${JSON.stringify(command)}`).toMatchObject(
          sorted(await fill(step.gives, kept, office)) as Record<string, unknown>,
        );
        for (const [name, pointer] of Object.entries(step.keep ?? {})) kept.set(name, textAt(answer, pointer));
      }
    } finally {
      for (const { field } of tablets.values()) await field.close();
    }
  });
}

/** Starts the worker that has the engine, as it is in the application. */
async function begin(page: Page): Promise<void> {
  const files = await (await page.request.get(new URL('/tablet/sw.js', page.url()).href)).text();
  const script = /assets\/worker-[\w-]+\.js/.exec(files)?.[0];
  if (!script) throw new Error('the application has no worker');
  await page.evaluate((script) => {
    Object.assign(window, { engine: new Worker(`/tablet/${script}`, { type: 'module' }) });
  }, script);
}

/** Asks the engine, and gives the answer. */
async function ask(page: Page, command: unknown): Promise<object> {
  return await page.evaluate(
    (command) =>
      new Promise<object>((done) => {
        const { engine } = window as unknown as { engine: Worker };
        const id = crypto.randomUUID();
        const hear = ({ data }: MessageEvent): void => {
          if (data.say !== 'reply' || data.id !== id) return;
          engine.removeEventListener('message', hear);
          done(data.answer);
        };
        engine.addEventListener('message', hear);
        engine.postMessage({ say: 'ask', id, command });
      }),
    command,
  );
}

/** The same with texts in order wherever a list holds nothing else: values that contradict each other come in any. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.every((item) => typeof item === 'string') ? [...value].sort() : value.map(sorted);
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, sorted(field)]));
}

/** The same with every name filled in. */
async function fill(value: unknown, kept: Map<string, string>, office: Office): Promise<unknown> {
  if (typeof value === 'string') return await filled(value, kept, office);
  if (Array.isArray(value)) return await Promise.all(value.map((item) => fill(item, kept, office)));
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(async ([key, field]) => [key, await fill(field, kept, office)]);
  return Object.fromEntries(await Promise.all(fields));
}

async function filled(text: string, kept: Map<string, string>, office: Office): Promise<string> {
  const name = /^\{(.*)\}$/.exec(text)?.[1];
  if (!name) return text;
  const known = (name: string): string => {
    const found = kept.get(name);
    if (!found) throw new Error(`nothing is kept as ${name}`);
    return found;
  };
  if (!name.startsWith('code:')) return known(name);
  return (await office.run('device', 'code', '--area', known(name.slice('code:'.length)))).trim();
}

/** The text at a JSON pointer. */
function textAt(answer: object, pointer: string): string {
  let found: unknown = answer;
  for (const key of pointer.split('/').slice(1)) found = (found as Record<string, unknown>)[key];
  if (typeof found !== 'string') throw new Error(`no text at ${pointer}`);
  return found;
}
