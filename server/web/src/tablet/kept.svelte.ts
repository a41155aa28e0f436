// The version of the application that is on the device, and a newer one that waits for somebody to want it.
let newer = $state.raw<ServiceWorker>();

export const version = {
  get isNewer(): boolean {
    return newer !== undefined;
  },
  /** The newer one takes over, and the page begins anew with it. */
  take(): void {
    newer?.postMessage('take over');
  },
};

export async function keepShell(): Promise<void> {
  const workers = navigator.serviceWorker;
  // Where the browser keeps no applications, the page works as long as it can be fetched.
  if (!workers) return;
  const before = workers.controller;
  workers.addEventListener('controllerchange', () => {
    if (before) location.reload();
  });
  const kept = await workers.register('/tablet/sw.js', { scope: '/tablet/', updateViaCache: 'none' });
  const look = (): void => {
    if (kept.waiting && workers.controller) newer = kept.waiting;
  };
  look();
  kept.addEventListener('updatefound', () => kept.installing?.addEventListener('statechange', look));
}
