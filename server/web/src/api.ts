// Everything the pages ask of the register. One function for each address; what it refuses comes as `Refused`, with a code
// for which the catalogue has words. Keeps nothing.
import { attended } from './attended';
import type { Deed, Flows, Group, HandOver, HandOverId, HandOverPage, HandOverState } from './handover';
import type {
  Area,
  AuditPage,
  Case,
  Choice,
  Claim,
  DocKind,
  HouseholdPage,
  Kind,
  Me,
  Outcome,
  Preview,
  PutOff,
  QuestionId,
  QueuePage,
  SearchPage,
  Severity,
} from './model';

/** What the register, or the way to it, may say instead of an answer. */
export const CODES = [
  'unauthenticated',
  'wrong',
  'weak-password',
  'wait',
  'elsewhere',
  'not-yours',
  'unknown',
  'stale',
  'claimed',
  'answered',
  'unconfirmed',
  'reason',
  'not-a-choice',
  'unknown-area',
  'edit',
  'refused',
  'undone-already',
  'undecided',
  'goes-on',
  'malformed',
  'busy',
  'unavailable',
  'offline',
  'failed',
] as const;
export type Code = (typeof CODES)[number];

interface RefusalBody {
  code?: string;
  message?: string;
  retry_after_ms?: number;
  claim?: Claim;
  /** How a hand-over stands that was answered meanwhile. */
  state?: HandOverState;
}

/** A refusal. */
export class Refused extends Error {
  readonly code: Code;
  readonly body: RefusalBody;

  constructor(code: Code, body: RefusalBody = {}) {
    super(body.message ?? code);
    this.name = 'Refused';
    this.code = code;
    this.body = body;
  }
}

const BASE = '/console/v1/';

function codeOf(status: number, said: string | undefined): Code {
  const known = CODES.find((code) => code === said);
  if (known) return known;
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'not-yours';
  if (status === 404) return 'unknown';
  if (status === 429) return 'busy';
  return status === 503 ? 'unavailable' : 'failed';
}

async function refusal(reply: Response): Promise<Refused> {
  let body: RefusalBody = {};
  try {
    body = (await reply.json()) as RefusalBody;
  } catch {
    // A proxy's page, or nothing: the status says it.
  }
  return new Refused(codeOf(reply.status, body.code), body);
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  const headers = new Headers(init.headers);
  if (!attended()) headers.set('sojourn-unattended', 'yes');
  let reply: Response;
  try {
    reply = await fetch(BASE + path, { credentials: 'same-origin', cache: 'no-store', ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Refused('offline');
  }
  if (!reply.ok) throw await refusal(reply);
  const text = await reply.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

function read<T>(
  path: string,
  query: Record<string, string | number | boolean | null | undefined>,
  signal?: AbortSignal,
) {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '' && value !== false) search.set(key, String(value));
  }
  const asked = search.size === 0 ? path : `${path}?${search}`;
  return ask<T>(asked, signal ? { signal } : {});
}

function write<T>(path: string, body: unknown, more: RequestInit = {}): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  return ask<T>(path, { method: 'POST', headers, body: JSON.stringify(body), ...more });
}

/** What narrows the queue. */
export interface Filter {
  severity?: Severity | undefined;
  kind?: Kind | undefined;
  area?: string | undefined;
  document?: DocKind | undefined;
  mine?: boolean | undefined;
  /** Only what is put off or waits for the field; left out otherwise. */
  put_off?: boolean | undefined;
}

export const me = (): Promise<Me> => read('me', {});
export const signIn = (account: string, password: string): Promise<Me> => write('sign-in', { account, password });
export const welcome = (code: string, account: string, password: string): Promise<Me> =>
  write('welcome', { code, account, password });
export const signOut = (): Promise<void> => write('sign-out', {});

export const queue = (filter: Filter, after: string | undefined, most: number, signal?: AbortSignal) =>
  read<QueuePage>('queue', { ...filter, after, most }, signal);
/** The register refuses keys that it does not know, and a row of the queue has more of them. */
const named = ({ household, kind, document, subject }: QuestionId): QuestionId => ({
  household,
  kind,
  document,
  subject,
});
export const question = (id: QuestionId, signal?: AbortSignal) => read<Case>('question', { ...named(id) }, signal);
export const claim = (question: QuestionId): Promise<Claim> => write('question/claim', { question: named(question) });
/** Goes out even while the page is being left. */
export const release = (question: QuestionId): Promise<void> =>
  write('question/release', { question: named(question) }, { keepalive: true });
export const putOff = (question: QuestionId, until: number, reason: string): Promise<PutOff> =>
  write('question/put-off', { question: named(question), until, reason });
export const askField = (question: QuestionId, text: string): Promise<PutOff> =>
  write('question/ask', { question: named(question), text });
export const takeUp = (question: QuestionId): Promise<void> => write('question/take-up', { question: named(question) });
/** What a decision would do; its reason may still be missing. */
export const preview = (question: QuestionId, seen: string[], choice: Choice, signal: AbortSignal) =>
  write<Preview>('reviews/preview', { question: named(question), seen, choice }, { signal });
export const decide = (question: QuestionId, seen: string[], choice: Choice, reason: string): Promise<Outcome> =>
  write('question/decide', { question: named(question), seen, choice, reason });
export const undo = (household: string, document: string, decision: string, reason: string): Promise<Outcome> =>
  write('decision/undo', { household, document, decision, reason });

/** What narrows the list of hand-overs. */
export interface HandOverFilter {
  group?: Group | undefined;
  area?: string | undefined;
  /** Those that were closed of late, instead of those that wait. */
  closed?: boolean | undefined;
}

export const handOvers = (filter: HandOverFilter, after: string | undefined, most: number, signal?: AbortSignal) =>
  read<HandOverPage>('handovers', { ...filter, after, most }, signal);
export const handOver = ({ household, entry }: HandOverId, signal?: AbortSignal) =>
  read<HandOver>('handover', { household, entry }, signal);
export const answerHandOver = (
  { household, entry }: HandOverId,
  seen: string[],
  answer: Deed,
  reason: string,
  family_agrees: boolean,
  family?: string,
): Promise<{ state: HandOverState }> =>
  write('handover/answer', {
    household,
    entry,
    seen,
    answer,
    reason,
    family_agrees,
    ...(family ? { family } : {}),
  });
export const flows = (since: number, until: number, signal?: AbortSignal) =>
  read<Flows>('handover/counts', { since, until }, signal);

export const household = (id: string, signal?: AbortSignal) => read<HouseholdPage>('household', { id }, signal);
export const search = (text: string, area: string | undefined, most: number, signal: AbortSignal) =>
  write<SearchPage>('households/search', { text, most, ...(area ? { area } : {}) }, { signal });
export const areas = (): Promise<Area[]> => read('areas', {});
export const audit = (before: string | undefined, most: number, signal?: AbortSignal) =>
  read<AuditPage>('audit', { before, most }, signal);

/** Events that come within this time of each other are one, milliseconds. */
const GATHER_MS = 300;

/** Whether something may have changed in an area. */
export type Moved = (area: string) => boolean;

/**
 * Calls back when something has changed in the areas of who is signed in, until the returned function is called. What was
 * missed may have been anywhere. `atDesks` is called when a question there was claimed, let go, put off or taken up, and no record changed.
 */
export function listen(changed: (moved: Moved) => void, atDesks: () => void = () => undefined): () => void {
  const events = new EventSource(`${BASE}live`);
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let anywhere = false;
  const heard = new Set<string>();
  const gather = (): void => {
    waiting ??= setTimeout(() => {
      waiting = undefined;
      const [all, areas] = [anywhere, new Set(heard)];
      anywhere = false;
      heard.clear();
      changed((area) => all || areas.has(area));
    }, GATHER_MS);
  };
  events.addEventListener('areas', (event) => {
    const { areas } = JSON.parse(event.data) as { areas: string[] };
    for (const area of areas) heard.add(area);
    gather();
  });
  events.addEventListener('desks', atDesks);
  let opened = false;
  events.addEventListener('open', () => {
    anywhere ||= opened;
    if (opened) gather();
    opened = true;
  });
  return () => {
    clearTimeout(waiting);
    events.close();
  };
}
