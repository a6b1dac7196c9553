/**
 * For an app's service worker: keeps the app's files and this package's, and lets everything else pass, models above all.
 * The library keeps those itself, verified, and a page that stood in for one would be taken for a damaged release.
 * Has no imports, so that it can become part of a script of either kind.
 */

/** What to keep. */
export interface KeepOptions {
  /**
   * The app's files: by address, relative to the service worker's scope, each with the hash or version of its content.
   * `./` is the page itself. They are fetched when the service worker is installed, and one that fails fails the version.
   */
  files?: Readonly<Record<string, string>>;
  /**
   * Says of a file (its absolute URL) by which name to know it, where it is not to be kept before it was asked for: one
   * that was, is fetched anew with each new version that has a file of that name.
   */
  optional?: (url: string) => string | undefined;
  /** Name of the cache. Default `jicho`. */
  cache?: string;
}

/** What a page posts to the service worker, to have URLs kept besides those that it has: those of `precacheUrls()`. */
export interface PrecacheMessage {
  type: 'jicho-precache';
  urls: readonly string[];
}

interface Scope extends EventTarget {
  readonly clients: { claim(): Promise<void> };
  readonly registration: { readonly scope: string };
  skipWaiting(): Promise<void>;
}

interface LifeEvent extends Event {
  waitUntil(promise: Promise<unknown>): void;
}

interface FetchEvent extends LifeEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

/** Marks what a page asked to have kept: it is not in the version's list. */
const PRECACHED = 'precached';

/** What a page may have kept: scripts and wasm modules, never a model or a page. */
const PRECACHEABLE = /\.(?:m?js|wasm)$/;

/**
 * Answers for the listed files from a cache, first of all. To be called once, before anything else, by the service
 * worker's script. A new version waits until no page uses the former one, or a page posts `'take-over'`.
 */
export function keepFiles({ files = {}, optional = () => undefined, cache: name = 'jicho' }: KeepOptions = {}): void {
  const scope = globalThis as unknown as Scope;
  const on = <E extends Event>(event: string, call: (event: E) => void): void =>
    scope.addEventListener(event, call as (event: Event) => void);
  const absolute = (address: string): string => new URL(address, scope.registration.scope).href;
  /** Where each file is kept, by its URL: of two versions of a file, each has a place of its own. */
  const places = new Map(
    Object.entries(files).map(([address, hash]) => [absolute(address), `${absolute(address)}?${hash}`]),
  );

  /** Fetches what is not kept yet. */
  async function fill(): Promise<void> {
    const cache = await caches.open(name);
    const used = new Set((await cache.keys()).map(({ url }) => optional(url.replace(/\?.*$/, ''))));
    await Promise.all(
      [...places].map(async ([url, place]) => {
        const known = optional(url);
        if (known === undefined || used.has(known)) await keep(cache, url, place);
      }),
    );
  }

  async function keep(cache: Cache, url: string, place: string): Promise<void> {
    if (await cache.match(place)) return;
    const response = await fetch(url, { cache: 'no-cache' });
    if (!response.ok) throw new Error(`${url}: HTTP status ${response.status}`);
    await cache.put(place, response);
  }

  /** Drops the files of former versions. */
  async function sweep(): Promise<void> {
    const current = new Set(places.values());
    await drop((url) => !current.has(url) && !url.endsWith(`?${PRECACHED}`));
  }

  /** Keeps these URLs, instead of those that a page had kept before; what is of this version, in its place. */
  async function precache(urls: readonly string[]): Promise<void> {
    const cache = await caches.open(name);
    const wanted = urls.filter((url) => PRECACHEABLE.test(new URL(url).pathname));
    const kept = new Map(wanted.map((url) => [url, places.get(url) ?? `${url}?${PRECACHED}`]));
    await Promise.all([...kept].map(([url, place]) => keep(cache, url, place)));
    const current = new Set(kept.values());
    await drop((url) => url.endsWith(`?${PRECACHED}`) && !current.has(url));
  }

  async function drop(old: (url: string) => boolean): Promise<void> {
    const cache = await caches.open(name);
    const gone = (await cache.keys()).filter(({ url }) => old(url));
    await Promise.all(gone.map((request) => cache.delete(request)));
  }

  async function answer(request: Request, place: string, lasting: boolean): Promise<Response> {
    const cache = await caches.open(name);
    const found = await cache.match(place, { ignoreVary: true });
    if (found) return found;
    const response = await fetch(request);
    // An optional one, asked for the first time; of other files the browser may have taken storage back. A full device
    // keeps none.
    if (lasting && response.ok) void cache.put(place, response.clone()).catch(() => undefined);
    return response;
  }

  on<LifeEvent>('install', (event) => event.waitUntil(fill()));
  on<LifeEvent>('activate', (event) => event.waitUntil(Promise.all([sweep(), scope.clients.claim()])));
  on<MessageEvent & LifeEvent>('message', (event) => {
    const message = event.data as 'take-over' | PrecacheMessage | undefined;
    if (message === 'take-over') void scope.skipWaiting();
    else if (message?.type === 'jicho-precache') event.waitUntil(precache(message.urls));
  });
  on<FetchEvent>('fetch', (event) => {
    const { method, mode, url } = event.request;
    if (method !== 'GET') return;
    // A page's query is for the page.
    const address = mode === 'navigate' ? url.replace(/[?#].*$/, '') : url;
    const place = places.get(address);
    if (place) event.respondWith(answer(event.request, place, true));
    else if (PRECACHEABLE.test(new URL(url).pathname))
      event.respondWith(answer(event.request, `${url}?${PRECACHED}`, false));
  });
}
