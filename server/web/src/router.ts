// Addresses under /console/ and what they show. Pure: an address in, a route out, and back.

import type { Filter, HandOverFilter } from './api';
import { GROUPS, type Group, type HandOverId } from './handover';
import { DOCUMENTS, type DocKind, KINDS, type Kind, type QuestionId, SEVERITIES, type Severity } from './model';

export type Route =
  | { page: 'queue'; filter: Filter; after: string | undefined }
  | { page: 'question'; id: QuestionId; filter: Filter }
  | { page: 'handovers'; filter: HandOverFilter; after: string | undefined }
  | { page: 'handover'; id: HandOverId; filter: HandOverFilter }
  | { page: 'household'; id: string }
  | { page: 'find'; area: string | undefined }
  | { page: 'areas' }
  | { page: 'audit'; before: string | undefined }
  | { page: 'welcome' }
  | { page: 'nowhere' };

const BASE = '/console/';

function filterOf(query: URLSearchParams, prefix: string): Filter {
  const get = (key: string) => query.get(prefix + key) || undefined;
  const severity = get('severity');
  const kind = get('kind');
  return {
    severity: SEVERITIES.find((known): known is Severity => known === severity),
    kind: KINDS.find((known): known is Kind => known === kind),
    area: get('area'),
    document: DOCUMENTS.find((known): known is DocKind => known === get('document')),
    mine: get('mine') === 'true' ? true : undefined,
    put_off: get('put_off') === 'true' ? true : undefined,
  };
}

function handOverFilterOf(query: URLSearchParams, prefix: string): HandOverFilter {
  const group = query.get(`${prefix}group`);
  return {
    group: GROUPS.find((known): known is Group => known === group),
    area: query.get(`${prefix}area`) || undefined,
    closed: query.get(`${prefix}closed`) === 'true' ? true : undefined,
  };
}

function put(query: URLSearchParams, prefix: string, filter: Filter | HandOverFilter): void {
  for (const [key, value] of Object.entries(filter)) {
    if (value) query.set(prefix + key, String(value));
  }
}

/** A question's address remembers from which list it was opened, under keys of their own. */
const LIST = 'list-';

export function routeOf(url: URL): Route {
  const query = url.searchParams;
  switch (url.pathname) {
    case BASE:
    case `${BASE}queue`:
      return { page: 'queue', filter: filterOf(query, ''), after: query.get('after') ?? undefined };
    case `${BASE}question`: {
      const kind = KINDS.find((known) => known === query.get('kind'));
      const document = query.get('document');
      const [household, subject] = [query.get('household'), query.get('subject')];
      if (!kind || !household || subject === null || (document !== 'core' && document !== 'health')) {
        return { page: 'nowhere' };
      }
      return { page: 'question', id: { household, kind, document, subject }, filter: filterOf(query, LIST) };
    }
    case `${BASE}handovers`:
      return { page: 'handovers', filter: handOverFilterOf(query, ''), after: query.get('after') ?? undefined };
    case `${BASE}handover`: {
      const [household, entry] = [query.get('household'), query.get('entry')];
      if (!household || !entry) return { page: 'nowhere' };
      return { page: 'handover', id: { household, entry }, filter: handOverFilterOf(query, LIST) };
    }
    case `${BASE}household`: {
      const id = query.get('id');
      return id ? { page: 'household', id } : { page: 'nowhere' };
    }
    case `${BASE}find`:
      return { page: 'find', area: query.get('area') || undefined };
    case `${BASE}areas`:
      return { page: 'areas' };
    case `${BASE}audit`:
      return { page: 'audit', before: query.get('before') ?? undefined };
    case `${BASE}welcome`:
      return { page: 'welcome' };
    default:
      return { page: 'nowhere' };
  }
}

function address(page: string, query: URLSearchParams): string {
  return BASE + page + (query.size === 0 ? '' : `?${query}`);
}

export function toQueue(filter: Filter = {}, after?: string): string {
  const query = new URLSearchParams();
  put(query, '', filter);
  if (after) query.set('after', after);
  return address('queue', query);
}

export function toQuestion(id: QuestionId, filter: Filter = {}): string {
  const { household, kind, document, subject } = id;
  const query = new URLSearchParams({ household, kind, document, subject });
  put(query, LIST, filter);
  return address('question', query);
}

export function toHandOvers(filter: HandOverFilter = {}, after?: string): string {
  const query = new URLSearchParams();
  put(query, '', filter);
  if (after) query.set('after', after);
  return address('handovers', query);
}

export function toHandOver({ household, entry }: HandOverId, filter: HandOverFilter = {}): string {
  const query = new URLSearchParams({ household, entry });
  put(query, LIST, filter);
  return address('handover', query);
}

export const toHousehold = (id: string): string => address('household', new URLSearchParams({ id }));
/** What is searched for does not stand in an address: it names people, and addresses are kept in many places. */
export const toFind = (area?: string): string => address('find', new URLSearchParams(area ? { area } : undefined));
export const toAreas = (): string => `${BASE}areas`;
export const toAudit = (before?: string): string =>
  address('audit', new URLSearchParams(before ? { before } : undefined));
export const toWelcome = (): string => `${BASE}welcome`;
