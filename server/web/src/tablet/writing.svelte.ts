// Whether something is typed into a form and not saved, on this page or on another of the tablet. Each page with such a form holds a lock that
// the browser keeps, so that nobody waits for a page that is gone.
const LOCK = 'tablet-form';
const pages = new BroadcastChannel(LOCK);
let anywhere = $state(false);
let done: (() => void) | undefined;

export const writing = {
  get anywhere(): boolean {
    return anywhere;
  },
};

/** Says whether something is typed into a form of this page. */
export function write(typed: boolean): void {
  done?.();
  done = undefined;
  if (!typed) return;
  const ended = new Promise<void>((end) => {
    done = end;
  });
  navigator.locks.request(LOCK, { mode: 'shared' }, () => {
    pages.postMessage('begun');
    return ended;
  });
  look();
}

async function look(): Promise<void> {
  const { held = [], pending = [] } = await navigator.locks.query();
  anywhere = [...held, ...pending].some(({ name, mode }) => name === LOCK && mode === 'shared');
  if (!anywhere) return;
  // Granted when nobody holds it.
  await navigator.locks.request(LOCK, () => {});
  await look();
}

pages.addEventListener('message', look);
look();
