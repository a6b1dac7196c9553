/**
 * The service worker: keeps the app's own files and nothing else. Models pass by untouched: the library keeps them
 * itself, verified, and a page that stood in for one would be taken for a damaged release.
 */

/** The app's files by relative address, each with the hash of its content; written by the build. */
declare const __APP_FILES__: Record<string, string>;

const scope = globalThis as unknown as ServiceWorkerGlobalScope;

const CACHE = 'jicho-app';

/** The one of the library's wasm modules that this browser surely needs, as the page says. */
const NEEDED = new URL(scope.location.href).searchParams.get('wasm');

/** Where each file is kept, by its address: of two versions of a file, each has a place of its own. */
const places = new Map(Object.entries(__APP_FILES__).map(([address, hash]) => [absolute(address), place(address, hash)]));

scope.addEventListener('install', (event) => event.waitUntil(fill()));
scope.addEventListener('activate', (event) => event.waitUntil(Promise.all([sweep(), scope.clients.claim()])));
scope.addEventListener('message', (event) => {
  if (event.data === 'take-over') void scope.skipWaiting();
});
scope.addEventListener('fetch', (event) => {
  const kept = places.get(addressOf(event.request));
  if (kept && event.request.method === 'GET') event.respondWith(answer(kept, event.request));
});

/**
 * Fetches what is not kept yet, of wasm modules only what is needed: another one is kept once it was asked for, and then
 * through new versions too. One file that fails fails the version, and the former one stays.
 */
async function fill(): Promise<void> {
  const cache = await caches.open(CACHE);
  const used = new Set((await cache.keys()).map(({ url }) => moduleOf(url)));
  await Promise.all(
    [...places].map(async ([address, kept]) => {
      const module = moduleOf(address);
      if (module && module !== NEEDED && !used.has(module)) return;
      if (await cache.match(kept)) return;
      const response = await fetch(address, { cache: 'no-cache' });
      if (!response.ok) throw new Error(`${address}: HTTP status ${response.status}`);
      await cache.put(kept, response);
    }),
  );
}

/** Drops the files of former versions. */
async function sweep(): Promise<void> {
  const cache = await caches.open(CACHE);
  const current = new Set(places.values());
  const old = (await cache.keys()).filter(({ url }) => !current.has(url));
  await Promise.all(old.map((request) => cache.delete(request)));
}

async function answer(kept: string, request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const found = await cache.match(kept, { ignoreVary: true });
  if (found) return found;
  const response = await fetch(request);
  // A module asked for the first time; of other files the browser may have taken storage back. A full device keeps none.
  if (response.ok) void cache.put(kept, response.clone()).catch(() => undefined);
  return response;
}

/** Which of the library's wasm modules is at an address, if any. */
function moduleOf(address: string): string | undefined {
  return /\/wasm-(\w+)-[^/]*\.wasm/.exec(address)?.[1];
}

/** A page's query is for the page. */
function addressOf({ mode, url }: Request): string {
  return mode === 'navigate' ? url.replace(/[?#].*$/, '') : url;
}

function absolute(address: string): string {
  return new URL(address, scope.registration.scope).href;
}

function place(address: string, hash: string): string {
  return `${absolute(address)}?${hash}`;
}
