// Keeps whole versions of the application on the device, so that it opens without a connection. A newer one is fetched beside the one in
// use, and every page that is opened gets the one in use until a page says that the newer one takes over. This script itself is the newest
// there is: which version is in use is written down beside them. What the engine asks the register for is not its affair.
import { PAGE, SHELL, type Shell, type Told, type Wish } from './shell';

const worker = self as unknown as ServiceWorkerGlobalScope;
const { version, files } = JSON.parse(SHELL) as Shell;
const INDEX = '/tablet/';
/** Of each version one cache, by its name. */
const VERSIONS = 'tablet-';
const NEWEST = VERSIONS + version;
/** Where it is written down which of them is in use. */
const NOTES = 'tablet';
const IN_USE = '/tablet/in-use';

async function inUse(): Promise<string> {
  const note = await caches.match(IN_USE, { cacheName: NOTES });
  return (await note?.text()) ?? NEWEST;
}

/** Has every page get the newest from now on. */
async function takeOver(): Promise<void> {
  const before = await inUse();
  const notes = await caches.open(NOTES);
  await notes.put(IN_USE, new Response(NEWEST));
  if (before !== NEWEST) await caches.delete(before);
}

/** Takes away what is neither in use nor the newest. */
async function clear(): Promise<void> {
  const wanted = [NEWEST, await inUse()];
  for (const name of await caches.keys()) {
    if (name.startsWith(VERSIONS) && !wanted.includes(name)) await caches.delete(name);
  }
}

async function tell(what: Told): Promise<void> {
  const pages = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  for (const page of pages) page.postMessage(what);
}

const standing = async (): Promise<Told> => ((await inUse()) === NEWEST ? 'newest' : 'newer');

worker.addEventListener('install', (event) => {
  const whole = async () => {
    // A network that wants people to sign in first answers for everything, and the office may be updated in the middle of this.
    const requests = Object.entries(files).map(
      ([name, integrity]) => new Request(name === PAGE ? INDEX : INDEX + name, { cache: 'no-cache', integrity }),
    );
    const cache = await caches.open(NEWEST);
    await cache.addAll(requests);
    await worker.skipWaiting();
  };
  event.waitUntil(whole());
});

worker.addEventListener('activate', (event) => {
  const begin = async () => {
    const used = await caches.match(INDEX, { cacheName: await inUse() });
    if (!used || !(await caches.has(NOTES))) await takeOver();
    await clear();
    await worker.clients.claim();
    await tell(await standing());
  };
  event.waitUntil(begin());
});

worker.addEventListener('message', (event) => {
  const answer = async (wish: Wish) => {
    if (wish === 'look') return tell(await standing());
    await takeOver();
    await tell('taken over');
  };
  event.waitUntil(answer(event.data));
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin || !url.pathname.startsWith(INDEX)) return;
  const answer = async () => {
    const found = await caches.match(request.mode === 'navigate' ? INDEX : request, {
      cacheName: await inUse(),
      ignoreSearch: true,
      ignoreVary: true,
    });
    return found ?? fetch(request);
  };
  event.respondWith(answer());
});
