// The version of the application that is in use on the device, and a newer one that lies beside it.
import type { Told, Wish } from './shell';

let isNewer = $state(false);

export const version = {
  get isNewer(): boolean {
    return isNewer;
  },
  /** The newer one takes over, and every page begins anew with it. */
  take: (): Promise<void> => say('take over'),
};

async function say(wish: Wish): Promise<void> {
  (await navigator.serviceWorker.ready).active?.postMessage(wish);
}

export async function keepShell(): Promise<void> {
  const workers = navigator.serviceWorker;
  // Where the browser keeps no applications, the page works as long as it can be fetched.
  if (!workers) return;
  workers.addEventListener('message', ({ data }: MessageEvent<Told>) => {
    if (data === 'taken over') location.reload();
    else isNewer = data === 'newer';
  });
  const kept = await workers.register('/tablet/sw.js', { scope: '/tablet/', updateViaCache: 'none' });
  // A page may stay open for days. Where this one fails, the next connection brings it.
  addEventListener('online', () => kept.update().catch(() => {}));
  await say('look');
}
