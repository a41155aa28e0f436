// Where one is on the tablet: after the `#`, so that no address of a household is ever asked of the register.
import { codeOf } from './enrolment';

export type Route = { page: 'list' } | { page: 'register' } | { page: 'household'; id: string };

export const TO_LIST = '#/';
export const TO_REGISTER = '#/register';
export const toHousehold = (id: string): string => `#/household/${id}`;

export function routeOf(hash: string): Route {
  if (hash === TO_REGISTER) return { page: 'register' };
  const id = /^#\/household\/([0-9a-f-]{36})$/.exec(hash)?.[1];
  return id ? { page: 'household', id } : { page: 'list' };
}

let route = $state.raw<Route>(routeOf(location.hash));
addEventListener('hashchange', () => {
  route = routeOf(location.hash);
  scrollTo(0, 0);
});

export const place = {
  get route(): Route {
    return route;
  },
};

export function go(to: string): void {
  location.hash = to;
}

/** The office's code, if the page was opened by its address. It is good once, so it does not stay in the browser's list of pages. */
export function given(): string {
  const code = codeOf(location.hash);
  if (code) history.replaceState(null, '', TO_LIST);
  return code ?? '';
}
