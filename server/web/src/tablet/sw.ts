// Keeps one whole version of the application on the device, so that it opens without a connection. A new version is fetched beside the
// one in use and takes its place when a page says so: never in the middle of a form. What the engine asks the register for is not
// its affair.
import { SHELL, type Shell } from './shell';

const worker = self as unknown as ServiceWorkerGlobalScope;
const { version, files } = JSON.parse(SHELL) as Shell;
const KEPT = `tablet-${version}`;
const INDEX = '/tablet/';

worker.addEventListener('install', (event) => {
  const whole = async () => {
    const cache = await caches.open(KEPT);
    await cache.addAll(
      [INDEX, ...files.map((name) => INDEX + name)].map((url) => new Request(url, { cache: 'no-cache' })),
    );
  };
  event.waitUntil(whole());
});

worker.addEventListener('activate', (event) => {
  const alone = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith('tablet-') && name !== KEPT) await caches.delete(name);
    }
    await worker.clients.claim();
  };
  event.waitUntil(alone());
});

worker.addEventListener('message', (event) => {
  if (event.data === 'take over') worker.skipWaiting();
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin || !url.pathname.startsWith(INDEX)) return;
  const answer = async () => {
    const cache = await caches.open(KEPT);
    const found = await cache.match(request.mode === 'navigate' ? INDEX : request, {
      ignoreSearch: true,
      ignoreVary: true,
    });
    return found ?? fetch(request);
  };
  event.respondWith(answer());
});
