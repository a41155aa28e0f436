// When somebody last touched the tablet or its keys, on whichever of its pages: they are open together and locked together.
const pages = new BroadcastChannel('tablet-touched');

export const touched = { last: Date.now() };

function touch(): void {
  touched.last = Date.now();
}

for (const kind of ['pointerdown', 'keydown', 'input']) {
  addEventListener(
    kind,
    () => {
      touch();
      pages.postMessage('touched');
    },
    { capture: true, passive: true },
  );
}
pages.addEventListener('message', touch);
