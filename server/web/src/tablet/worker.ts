// Owns the engine. Of all tabs the worker of one has it, by a lock that the browser keeps; the others pass on what their pages ask, and
// what they are answered. When that tab is closed, the next worker in line takes the lock, and the door is shut until somebody opens it.
import initialise, { Engine } from './engine/engine';
import module from './engine/engine_bg.wasm?url';
import type { Answer, Fault, Message, Event as Told } from './messages';
import type { Aside } from './shell';

const LOCK = 'tablet';
const page = self as unknown as DedicatedWorkerGlobalScope;
const others = new BroadcastChannel('tablet');

type Ask = Extract<Message, { say: 'ask' }>;

/** What this page asked and has not been answered. */
const open = new Map<string, Ask>();
let engine: Engine | undefined;
let noEngine: Answer | undefined;

function failed(obstacle: Fault['obstacle'], detail: string): Answer {
  return { answer: 'failed', fault: { obstacle, field: null, detail } };
}

function reply(id: string, answer: Answer): void {
  if (open.delete(id)) page.postMessage({ say: 'reply', id, answer } satisfies Message);
  else others.postMessage({ say: 'reply', id, answer } satisfies Message);
}

function tell(event: Told): void {
  const message: Message = { say: 'tell', event };
  page.postMessage(message);
  others.postMessage(message);
}

/** Asks the engine here. */
async function perform({ id, command }: Ask): Promise<void> {
  if (noEngine) return reply(id, noEngine);
  try {
    const answer = await engine?.ask(JSON.stringify(command), (event: string) => tell(JSON.parse(event)));
    reply(id, answer === undefined ? failed('failed', 'there is no engine') : JSON.parse(answer));
  } catch (error) {
    reply(id, failed('failed', String(error)));
    if (error instanceof WebAssembly.RuntimeError) end();
  }
}

/** After a panic nothing of the engine can be trusted. The page begins another worker, which begins another engine. */
function end(): void {
  for (const waiting of [...open.keys()]) reply(waiting, failed('interrupted', 'the engine ended'));
  page.postMessage({ say: 'over' } satisfies Aside);
  page.close();
}

// What the engine awaits goes on by itself, so that its panic is nobody's answer.
page.addEventListener('error', end);
page.addEventListener('unhandledrejection', end);

page.addEventListener('message', ({ data }: MessageEvent<Ask>) => {
  open.set(data.id, data);
  if (engine || noEngine) perform(data);
  else others.postMessage(data satisfies Message);
});

others.addEventListener('message', ({ data }: MessageEvent<Message>) => {
  if (data.say === 'ask') {
    if (engine || noEngine) perform(data);
  } else if (data.say === 'tell') {
    page.postMessage(data);
    // Whoever had the engine before is gone, and so is what it was asked; a question that changes nothing is asked again.
    if (data.event.event === 'restarted') askAgain();
  } else if (open.delete(data.id)) {
    page.postMessage(data);
  }
});

const CHANGES_NOTHING = ['look', 'list', 'search', 'show', 'card', 'similar', 'areas'];

function askAgain(): void {
  for (const [id, ask] of [...open]) {
    if (!CHANGES_NOTHING.includes(ask.command.do)) reply(id, failed('interrupted', 'whoever had the engine is gone'));
    else if (engine || noEngine) perform(ask);
    else others.postMessage(ask satisfies Message);
  }
}

/** The engine's module, which says how much of it has come: it is large, and a link may be slow. */
async function fetched(): Promise<Response> {
  const answer = await fetch(module);
  let have = 0;
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, to) {
      have += bytes.length;
      page.postMessage({ say: 'loading', part: have / import.meta.env.ENGINE_BYTES } satisfies Aside);
      to.enqueue(bytes);
    },
  });
  const { status, headers } = answer;
  return new Response(answer.body?.pipeThrough(counted) ?? null, { status, headers });
}

/** Loads the engine; where that cannot be, every question is answered with why. */
async function load(): Promise<void> {
  try {
    await initialise({ module_or_path: fetched() });
  } catch (error) {
    noEngine = failed(error instanceof TypeError ? 'no-connection' : 'failed', String(error));
    return;
  }
  try {
    engine = await Engine.begin();
  } catch (error) {
    noEngine = typeof error === 'string' ? JSON.parse(error) : failed('no-storage', String(error));
  }
}

/** Has the engine from now on, until this tab is closed. */
async function own(): Promise<void> {
  await load();
  tell({ event: 'restarted' });
  askAgain();
}

navigator.locks.request(LOCK, async () => {
  await own();
  await new Promise(() => {});
});
