/**
 * For an app's service worker: keeps the app's own files and the scripts and modules of this package, and lets every other
 * request pass. Models pass, too: the library keeps those itself, verified. Has no imports, so that a bundler can make
 * a classic script of it.
 */

/** What to keep. */
export interface KeepOptions {
  /**
   * The app's files, by address relative to the service worker's scope; `./` is the page itself. They are fetched when
   * this version of the service worker is installed. Where one fails, so does the installation, and the former version stays.
   * With each file stands how its content is known:
   * - `sha256-…`, `sha384-…` or `sha512-…`, as for `integrity` in HTML: what the host sends is verified, and the kept file
   *   answers first. Only this keeps out an old file that a late node of a CDN still sends.
   * - `null`: the file's name holds a hash of its content, as bundlers name files. The kept file answers first.
   * - any other text, such as the app's version: nothing can be verified, so the network answers first, and the kept file
   *   where the network does not answer.
   */
  files?: Readonly<Record<string, string | null>>;
  /**
   * The page that answers offline for addresses of the app that are no files, such as `/till/3`. Default `./` or
   * `./index.html`, if it is among the files; `null`: none.
   */
  page?: string | null;
  /**
   * Names the kind of a file, given its absolute URL, that is not needed by every browser or user. Such a file is kept once it
   * was asked for; a new version then fetches its own file of that kind while it is installed.
   */
  optional?: (url: string) => string | undefined;
  /** First part of the cache's name; the scope is the second. Default `jicho`. */
  cache?: string;
}

/** What a page posts to have more URLs kept than the files: those of `precacheUrls()`. `precache()` posts it. */
export interface PrecacheMessage {
  type: 'jicho-precache';
  urls: readonly string[];
}

/**
 * What the service worker answers to a {@link PrecacheMessage}, through the port that came with it or to the page: that it
 * has begun, and when it has ended what is kept, and what is not with the reason.
 */
export type PrecacheReply =
  | { type: 'jicho-precaching' }
  | { type: 'jicho-precached'; kept: string[]; notKept: { url: string; reason: string }[] };

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

/** One of the app's files. */
interface AppFile {
  url: string;
  /** The key in the cache: the URL with the file's version, so that two versions of a file do not meet. */
  key: string;
  /** As of `fetch`, where the content can be verified. */
  integrity: string | undefined;
  /** Whether the kept file answers without asking the network. */
  lasting: boolean;
}

/** What a page may have kept: scripts and wasm modules, never a model or a page. */
const PRECACHEABLE = /\.(?:m?js|wasm)$/;

const INTEGRITY = /^sha(?:256|384|512)-/;

/** Milliseconds that the network has to answer before a kept file does. */
const PATIENCE = 4000;

/** Marks the cache's entries that a page asked for. */
const PRECACHED = 'precached';

/**
 * Keeps files and answers requests for them. The service worker's script calls it once, before anything else. A new version
 * waits until no page uses the former one, or until a page posts `'take-over'`.
 */
export function keepFiles(options: KeepOptions = {}): void {
  const { files = {}, optional = () => undefined, cache: prefix = 'jicho' } = options;
  const scope = globalThis as unknown as Scope;
  const base = scope.registration.scope;
  const { origin } = new URL(base);
  // Apps of one origin share its caches, so the name must differ by app.
  const cacheName = `${prefix} ${base}`;
  const absolute = (address: string): string => new URL(address, base).href;

  const listed = new Map(
    Object.entries(files).map(([address, version]): [string, AppFile] => {
      const url = absolute(address);
      if (new URL(url).origin !== origin) throw new TypeError(`keepFiles: ${url} is not of this origin`);
      const integrity = version !== null && INTEGRITY.test(version) ? version : undefined;
      const key = `${url}?${encodeURIComponent(version ?? 'lasting')}`;
      return [url, { url, key, integrity, lasting: version === null || integrity !== undefined }];
    }),
  );
  const page = pageOf(options.page);

  /** Entries of a version's own, so that the page of a new version never meets the package's scripts of the former one. */
  const precachedMark = digest(JSON.stringify(files)).then((version) => `?${PRECACHED}-${version}`);
  /** The URLs that a page had kept for this version; undefined until they are read from the cache. */
  let precached: Promise<Set<string>> | undefined;
  /** The same once they are read, so that requests for other scripts are left alone. */
  let known: Set<string> | undefined;

  function pageOf(given: string | null | undefined): AppFile | undefined {
    if (given === null) return undefined;
    if (given === undefined) return listed.get(absolute('./')) ?? listed.get(absolute('./index.html'));
    const file = listed.get(absolute(given));
    if (!file) throw new TypeError(`keepFiles: the page ${given} is not among the files`);
    return file;
  }

  /** Keeps the files of this version, and the scripts that pages had kept for the former one. */
  async function install(): Promise<void> {
    const cache = await caches.open(cacheName);
    const urls = (await cache.keys()).map(({ url }) => url);
    const usedKinds = new Set(urls.map((url) => optional(withoutQuery(url))));
    const missing = [...listed.values()].filter(({ url, key }) => {
      const kind = optional(url);
      return !urls.includes(key) && (kind === undefined || usedKinds.has(kind));
    });
    // All at hand before the first is kept: an installation that fails leaves nothing.
    const fetched = await Promise.all(missing.map(async (file) => ({ key: file.key, response: await load(file) })));
    const mark = await precachedMark;
    const former = new Set(urls.filter((url) => url.includes(`?${PRECACHED}-`)).map(withoutQuery));
    const scripts = await Promise.all(
      [...former].map(async (url) => ({ key: url + mark, response: await fetchWhole(url).catch(() => undefined) })),
    );
    try {
      await Promise.all(fetched.map(({ key, response }) => cache.put(key, response)));
    } catch (error) {
      await Promise.all(fetched.map(({ key }) => cache.delete(key)));
      throw error;
    }
    // One that the host has no more belonged to the former version.
    await Promise.all(scripts.map(({ key, response }) => response && cache.put(key, response)));
  }

  /** Deletes what belongs to former versions. */
  async function sweep(): Promise<void> {
    const mark = await precachedMark;
    const current = new Set([...listed.values()].map(({ key }) => key));
    await deleteFrom((key) => !current.has(key) && !key.endsWith(mark));
  }

  async function deleteFrom(isOld: (key: string) => boolean): Promise<void> {
    const cache = await caches.open(cacheName);
    const old = (await cache.keys()).filter(({ url }) => isOld(url));
    await Promise.all(old.map((request) => cache.delete(request)));
  }

  /** Keeps these URLs instead of those that a page had kept before, each as the host has it now. */
  async function precache(urls: readonly string[], reply: (reply: PrecacheReply) => void): Promise<void> {
    reply({ type: 'jicho-precaching' });
    const cache = await caches.open(cacheName);
    const mark = await precachedMark;
    const kept: string[] = [];
    const notKept: { url: string; reason: string }[] = [];
    const keys = new Set<string>();
    const keep = async (url: string): Promise<void> => {
      const file = listed.get(url);
      const key = file?.key ?? url + mark;
      keys.add(key);
      try {
        const { origin: from, pathname } = new URL(url);
        if (from !== origin)
          throw new Error('it is of another origin, whose files a service worker cannot stand in for');
        if (!PRECACHEABLE.test(pathname)) throw new Error('it is no script and no wasm module');
        // What this version lists is fetched once. Others may be new under their old name.
        if (!file || !(await cache.match(key))) await cache.put(key, await (file ? load(file) : fetchWhole(url)));
        kept.push(url);
      } catch (error) {
        // An older one that is kept is better than none, but the page is told.
        notKept.push({ url, reason: error instanceof Error ? error.message : String(error) });
      }
    };
    await Promise.all([...new Set(urls)].map(keep));
    await deleteFrom((key) => key.endsWith(mark) && !keys.has(key));
    precached = undefined;
    await precachedUrls();
    reply({ type: 'jicho-precached', kept, notKept });
  }

  /** The URLs that this version keeps for a page, read from the cache once. */
  function precachedUrls(): Promise<Set<string>> {
    precached ??= readPrecached().catch((error: unknown) => {
      precached = undefined;
      throw error;
    });
    return precached;
  }

  async function readPrecached(): Promise<Set<string>> {
    const [keys, mark] = [await (await caches.open(cacheName)).keys(), await precachedMark];
    known = new Set(keys.flatMap(({ url }) => (url.endsWith(mark) ? [withoutQuery(url)] : [])));
    return known;
  }

  async function answerPrecached(request: Request): Promise<Response> {
    const urls = await precachedUrls().catch(() => new Set<string>());
    const kept = urls.has(request.url) ? await match(request.url + (await precachedMark)) : undefined;
    return kept ?? fetch(request);
  }

  /** The kept answer. Storage that fails must not keep the page from the network. */
  async function match(key: string): Promise<Response | undefined> {
    try {
      return await (await caches.open(cacheName)).match(key, { ignoreVary: true });
    } catch {
      return undefined;
    }
  }

  async function answerFile(request: Request, file: AppFile): Promise<Response> {
    const kept = await match(file.key);
    if (!file.lasting) return answerFresh(request, file, kept);
    if (kept) return kept;
    try {
      // An optional file that is asked for the first time, or one that the browser took back.
      const response = await load(file);
      store(file, response);
      return response;
    } catch {
      // What cannot be verified is not kept, but the page gets it as it would without a service worker.
      return fetch(request);
    }
  }

  /** The network's answer, which is kept in place of an older one; the kept one where the network gives none. */
  async function answerFresh(request: Request, file: AppFile, kept: Response | undefined): Promise<Response> {
    const asked = fetch(request).then((response) => {
      if (response.ok && !response.redirected) store(file, response);
      return response;
    });
    if (!kept) return asked;
    asked.catch(() => undefined);
    const late = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE));
    const response = await Promise.race([asked, late]).catch(() => undefined);
    return response && response.status < 500 ? response : kept;
  }

  /** A full device keeps none. */
  function store({ key }: AppFile, response: Response): void {
    const copy = response.clone();
    void caches
      .open(cacheName)
      .then((cache) => cache.put(key, copy))
      .catch(() => undefined);
  }

  /** For a page's address that is no file: the network's answer, and without a network the app's page. */
  async function answerRoute(request: Request, file: AppFile): Promise<Response> {
    try {
      return await fetch(request);
    } catch (error) {
      const kept = await match(file.key);
      if (kept) return kept;
      throw error;
    }
  }

  const on = <E extends Event>(event: string, call: (event: E) => void): void =>
    scope.addEventListener(event, call as (event: Event) => void);
  on<LifeEvent>('install', (event) => event.waitUntil(install()));
  on<LifeEvent>('activate', (event) => event.waitUntil(Promise.all([sweep(), scope.clients.claim()])));
  on<MessageEvent & LifeEvent>('message', (event) => {
    const message = event.data as 'take-over' | PrecacheMessage | undefined;
    if (message === 'take-over') void scope.skipWaiting();
    else if (message instanceof Object && message.type === 'jicho-precache') {
      const page = (event.ports[0] ?? event.source) as MessagePort | null;
      event.waitUntil(precache(message.urls, (reply) => page?.postMessage(reply)));
    }
  });
  on<FetchEvent>('fetch', (event) => {
    const { request } = event;
    const url = new URL(request.url);
    // Others' files, forms and parts of files are none of ours.
    if (request.method !== 'GET' || url.origin !== origin || request.headers.has('Range')) return;
    const navigates = request.mode === 'navigate';
    // A page's query and fragment are for its script.
    const file = listed.get(navigates ? withoutQuery(request.url) : request.url);
    if (file) event.respondWith(answerFile(request, file));
    else if (navigates && page && isRoute(url)) event.respondWith(answerRoute(request, page));
    else if (PRECACHEABLE.test(url.pathname) && (known?.has(request.url) ?? true)) {
      event.respondWith(answerPrecached(request));
    }
  });
}

/** Fetches one of the app's files for the cache, and verifies it if that can be done. */
async function load({ url, integrity }: Pick<AppFile, 'url' | 'integrity'>): Promise<Response> {
  try {
    return await fetchWhole(url, integrity);
  } catch (error) {
    // `fetch` does not say why.
    const reason = integrity
      ? `unreachable, or not the content of ${integrity}: does a node of the CDN send an old file?`
      : '';
    throw new Error(`${url} is not kept: ${reason || String(error)}`, { cause: error });
  }
}

/** What the host has there now. */
async function fetchWhole(url: string, integrity?: string): Promise<Response> {
  const response = await fetch(url, { cache: 'no-cache', ...(integrity && { integrity }) });
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  if (!response.redirected) return response;
  // A log-in or an error page must not become the app. What was verified cannot be one.
  if (!integrity && !isSameDocument(url, response.url)) throw new Error(`the host redirects it to ${response.url}`);
  // A page may not be answered by a response that was redirected, so this one forgets it.
  const { status, statusText, headers } = response;
  return new Response(await response.blob(), { status, statusText, headers });
}

/** Whether two addresses name one page, as hosts redirect `/index.html` to `/` and `/till` to `/till/`. */
function isSameDocument(first: string, second: string): boolean {
  const plain = (url: string): string => withoutQuery(url).replace(/(?:\/index)?(?:\.html)?\/?$/, '');
  return plain(first) === plain(second);
}

/** Whether a page's address may be a place within the app: the last part of a file's has an ending. */
function isRoute({ pathname }: URL): boolean {
  return !/\.[^/]*$/.test(pathname) || pathname.endsWith('/index.html');
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/, '');
}

async function digest(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
