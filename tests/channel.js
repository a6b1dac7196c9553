// Stands in for the network below https://shop.example/ and this origin's /models/; everything else goes through the
// browser's own fetch.
const browserFetch = globalThis.fetch;
const files = new Map();
const requests = [];
let cancelled = 0;

globalThis.fetch = (request) => {
  const url = request?.url ?? String(request);
  if (!url.startsWith('https://shop.example/') && !url.startsWith(home())) return browserFetch(request);
  const asked = Object.fromEntries(request.headers);
  requests.push({ url, cache: request.cache, credentials: request.credentials, redirect: request.redirect, ...asked });
  const file = files.get(url) ?? { status: 404, body: new Uint8Array(), headers: {} };
  const { wanted, ...headers } = file.headers;
  if (file.status === 0) return Promise.reject(new TypeError('Failed to fetch'));
  if (wanted && asked.authorization !== `Bearer ${wanted}`) return Promise.resolve(new Response('', { status: 401 }));
  if (headers.location && request.redirect === 'manual') {
    return Promise.resolve(Object.defineProperty(Response.error(), 'type', { value: 'opaqueredirect' }));
  }
  if (headers.etag && asked['if-none-match'] === headers.etag)
    return Promise.resolve(new Response(null, { status: 304 }));
  let { status, body, then } = file;
  if (then.endsWith('-once')) file.then = '';
  const start = headers['accept-ranges'] ? Number(asked.range?.match(/^bytes=(\d+)-$/)?.[1] ?? 0) : 0;
  if (start > 0) {
    status = 206;
    headers['content-range'] = `bytes ${start}-${body.length - 1}/${body.length}`;
  }
  // What comes before the connection breaks or stalls.
  const end = then.endsWith('-once') ? body.length >> 1 : body.length;
  let sent = start;
  const stream = new ReadableStream({
    start(controller) {
      request.signal.addEventListener('abort', () => {
        cancelled += 1;
        controller.error(request.signal.reason);
      });
    },
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (sent < end && then === 'at once') controller.enqueue(body.slice(sent, (sent = end)));
      else if (sent < end) controller.enqueue(body.slice(sent, (sent = Math.min(sent + 64, end))));
      else if (then.startsWith('break')) controller.error(new TypeError('network error'));
      else if (then.startsWith('stall')) await new Promise(() => {});
      else controller.close();
    },
  });
  return Promise.resolve(new Response(stream, { status, headers }));
};

export const home = () => `${location.origin}/models/`;
export const serve = (url, status, body, then, headers) =>
  void files.set(url, { status, body, then, headers: headers ? JSON.parse(headers) : {} });
/** What was asked since the last call. */
export const takeRequests = () => requests.splice(0);
export const takeCancellations = () => {
  const count = cancelled;
  cancelled = 0;
  return count;
};
export const origin = () => location.origin;
export const abortAfter = (ms) => {
  const controller = new AbortController();
  setTimeout(() => controller.abort('because'), ms);
  return controller.signal;
};
export const get = (object, path) => path.split('.').reduce((value, name) => value[name], object);
/** Takes a global away, as pages without https and private modes do. */
export const hide = (path, hidden) => {
  const [name, owner] = [path.split('.').pop(), path.includes('.') ? crypto : globalThis];
  if (hidden) {
    own.set(path, Object.getOwnPropertyDescriptor(owner, name));
    Object.defineProperty(owner, name, { value: undefined, configurable: true });
  } else {
    delete owner[name];
    if (own.get(path)) Object.defineProperty(owner, name, own.get(path));
  }
};
const own = new Map();
export const json = (value) => JSON.stringify(value);

const asked = [];
/** `ChannelOptions`; `tokens` is what the app gives one after another, where there are any. */
export const options = (text) => {
  const { tokens, ...rest } = JSON.parse(text) ?? {};
  const token = async (refresh) => {
    asked.push(refresh);
    const next = tokens.shift();
    if (next === 'throw') throw new Error('logged out');
    if (next === 'wait') await new Promise(() => {});
    return next;
  };
  return tokens ? { ...rest, token } : rest;
};
/** How the app was asked for tokens since the last call. */
export const takeAsked = () => asked.splice(0);

/** All that the database keeps: its releases' keys, and how many files. */
export const stored = async () => {
  const ended = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
  const database = await ended(indexedDB.open('jicho'));
  const transaction = database.transaction(['releases', 'blobs']);
  const [releases, blobs] = await Promise.all(
    ['releases', 'blobs'].map((store) => ended(transaction.objectStore(store).getAllKeys())),
  );
  database.close();
  return { releases, blobs: blobs.length };
};
