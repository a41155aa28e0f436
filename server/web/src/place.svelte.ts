// Where the browser is. The address is the state: pages read it from here and change it through `go` or an ordinary link.
import { type Route, routeOf } from './router';

let route = $state.raw<Route>(routeOf(new URL(location.href)));

export const place = {
  get route(): Route {
    return route;
  },
};

export function go(to: string, how: { replace?: boolean } = {}): void {
  history[how.replace ? 'replaceState' : 'pushState'](null, '', to);
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
    route = routeOf(new URL(location.href));
  });
  document.addEventListener('click', follow);
}
