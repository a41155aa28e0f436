// A page's side of the engine: asks its worker, hears what happens, and knows how the tablet stands.
import type { CHANGED, Of } from './commands';
import type { Answer, Command, Fault, Message, Status, Synced } from './messages';
import type { Aside } from './shell';

/** What stood against a command. */
export class Refused extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.detail);
    this.fault = fault;
  }
}

const waiting = new Map<string, (answer: Answer) => void>();

function begun(): Worker {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  worker.addEventListener('message', ({ data }: MessageEvent<Message | Aside>) => {
    switch (data.say) {
      case 'reply':
        waiting.get(data.id)?.(data.answer);
        waiting.delete(data.id);
        break;
      case 'tell':
        hear(data.event);
        break;
      case 'loading':
        loaded = data.part;
        break;
      case 'over':
        again();
    }
  });
  return worker;
}

function again(): void {
  worker = begun();
  look();
}

/** Asks the engine, and gives the answer that belongs to the command. */
export async function ask<C extends Command>(command: C): Promise<Of<C>> {
  const id = crypto.randomUUID();
  const answer = await new Promise<Answer>((done) => {
    waiting.set(id, done);
    worker.postMessage({ say: 'ask', id, command } satisfies Message);
  });
  if (answer.answer === 'failed') throw new Refused(answer.fault);
  return answer as Of<C>;
}

export function faultOf(error: unknown): Fault {
  return error instanceof Refused ? error.fault : { obstacle: 'failed', field: null, detail: String(error) };
}

type Door = 'unknown' | Extract<Answer, { answer: 'state' }>['door'];
type Syncing = { pushed: number; to_push: number; received: number; to_receive: number };

let door = $state<Door>('unknown');
let status = $state.raw<Status | null>(null);
let fault = $state.raw<Fault>();
let unopened = $state.raw<Fault>();
let syncing = $state.raw<Syncing>();
let synced = $state.raw<Synced>();
/** Counts what was written, so that pages read again. */
let written = $state(0);
let kept = $state<boolean>();
let nearlyFull = $state(false);
let loaded = $state<number>();
let worker = begun();

export const desk = {
  get door(): Door {
    return door;
  },
  /** How much of the engine has been fetched, from 0 to 1. */
  get loaded(): number | undefined {
    return loaded;
  },
  get status(): Status | null {
    return status;
  },
  /** Why there is no tablet here at all. */
  get fault(): Fault | undefined {
    return fault;
  },
  /** What stood against opening it the last time. */
  get unopened(): Fault | undefined {
    return unopened;
  },
  get syncing(): Syncing | undefined {
    return syncing;
  },
  /** What the last session of this page came to. */
  get synced(): Synced | undefined {
    return synced;
  },
  get written(): number {
    return written;
  },
  /** Whether the browser promised to keep what is on the device; unknown before it was asked. */
  get kept(): boolean | undefined {
    return kept;
  },
  get nearlyFull(): boolean {
    return nearlyFull;
  },
};

function stands(answer: Extract<Answer, { answer: 'state' }>): void {
  door = answer.door;
  status = answer.status;
  fault = undefined;
}

export async function look(): Promise<void> {
  try {
    stands(await ask({ do: 'look' }));
  } catch (error) {
    fault = faultOf(error);
  }
}

function hear(event: Extract<Message, { say: 'tell' }>['event']): void {
  switch (event.event) {
    case 'syncing':
      syncing = event;
      return;
    case 'synced':
      synced = event;
      syncing = undefined;
      if (another) {
        another = false;
        sync();
      } else if (event.outcome === 'agreed') listen();
      return;
    case 'restarted':
      syncing = undefined;
  }
  written += 1;
  look();
}

/** After the stream of hints broke off, before a session finds out whether there is a connection. */
const REST_MS = 5_000;

/** Has the engine hear what moves at the register. When that ends, the next session begins it again. */
async function listen(): Promise<void> {
  try {
    await ask({ do: 'listen' });
  } catch {
    // Hints are a convenience: what they would have said, the next session fetches.
    setTimeout(() => {
      if (navigator.onLine && door === 'open') sync();
    }, REST_MS);
  }
}

export async function open(passphrase: string): Promise<void> {
  try {
    stands(await ask({ do: 'open', passphrase }));
    unopened = undefined;
  } catch (error) {
    unopened = faultOf(error);
    throw error;
  }
  keep();
}

export async function shut(): Promise<void> {
  synced = undefined;
  stands(await ask({ do: 'close' }));
}

export async function enrol(code: string, label: string): Promise<void> {
  stands(await ask({ do: 'enrol', server: location.origin, code, label }));
}

/** Something was written while a session ran, and may have been too late for it. */
let another = false;

/** Hands in and fetches. What comes of it every page hears, this one too. What is written meanwhile goes with another session. */
export async function sync(): Promise<void> {
  if (syncing) {
    another = true;
    return;
  }
  syncing = { pushed: 0, to_push: 0, received: 0, to_receive: 0 };
  try {
    await ask({ do: 'sync' });
  } catch (error) {
    const fault = faultOf(error);
    // Another page began one, and its end is heard.
    if (fault.obstacle === 'syncing') return;
    const none = { differing: [], pushed: 0, received: 0, queued: status?.pending ?? 0, held: status?.held ?? 0 };
    synced = { outcome: 'gave-up', fault, ...none, bytes_up: 0, bytes_down: 0 };
    syncing = undefined;
  }
}

/** Makes an edit, and hands it in when there is a connection; gives the household. */
export async function edit(command: Extract<Command, { do: (typeof CHANGED)[number] }>): Promise<string> {
  const { household } = await ask(command);
  if (navigator.onLine) sync();
  return household;
}

/** Of what the browser lends, more than this part in use is nearly all. */
const NEARLY = 0.9;

/** Asks the browser to keep what is on the device, which it may refuse, and how much room is left. */
async function keep(): Promise<void> {
  const storage = navigator.storage;
  kept = (await storage?.persisted?.()) || (await storage?.persist?.()) || false;
  const { usage = 0, quota = Number.POSITIVE_INFINITY } = (await storage?.estimate?.()) ?? {};
  nearlyFull = usage > quota * NEARLY;
}

export function start(): void {
  look();
  addEventListener('online', () => {
    if (status?.device) sync();
  });
}
