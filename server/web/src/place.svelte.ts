// Where the browser is. The address is the state: pages read it from here and change it through `go` or an ordinary link. What
// somebody searches for is kept with the address in the browser's history, and not in it.
import { type Route, routeOf } from './router';

let route = $state.raw<Route>(routeOf(new URL(location.href)));
let sought = $state.raw<string>(soughtIn(history.state));

function soughtIn(kept: unknown): string {
  const has = typeof kept === 'object' && kept !== null && 'sought' in kept;
  return has && typeof kept.sought === 'string' ? kept.sought : '';
}

export const place = {
  get route(): Route {
    return route;
  },
  /** What is searched for. */
  get sought(): string {
    return sought;
  },
};

export function go(to: string, how: { replace?: boolean; sought?: string } = {}): void {
  const kept = how.sought === undefined ? null : { sought: how.sought };
  history[how.replace ? 'replaceState' : 'pushState'](kept, '', to);
  sought = soughtIn(kept);
  route = routeOf(new URL(location.href));
  if (!how.replace) scrollTo(0, 0);
}

/** Takes ordinary clicks on our own links; what opens a tab or a window stays the browser's. */
function follow(event: MouseEvent): void {
  if (
    event.defaultPrevented ||
    event.button !== 0 ||
    event.metaKey ||
    event.ctrlKey ||
    event.shiftKey ||
    event.altKey
  ) {
    return;
  }
  const link = event.target instanceof Element ? event.target.closest('a[href^="/console/"]') : null;
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute('download')) return;
  event.preventDefault();
  go(link.href);
}

export function start(): void {
  addEventListener('popstate', () => {
    sought = soughtIn(history.state);
    route = routeOf(new URL(location.href));
  });
  document.addEventListener('click', follow);
}
