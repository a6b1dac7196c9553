// Stands in for the network below https://shop.example/; everything else goes through the browser's own fetch.
const browserFetch = globalThis.fetch;
const files = new Map();
const requests = [];
let cancelled = 0;

globalThis.fetch = (request) => {
  const url = request?.url ?? String(request);
  if (!url.startsWith('https://shop.example/')) return browserFetch(request);
  requests.push(`${request.cache} ${request.credentials} ${url}`);
  const { status, body, then } = files.get(url) ?? { status: 404, body: new Uint8Array() };
  if (status === 0) return Promise.reject(new TypeError('Failed to fetch'));
  let sent = 0;
  const stream = new ReadableStream({
    start(controller) {
      request.signal.addEventListener('abort', () => controller.error(request.signal.reason));
    },
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (sent < body.length) controller.enqueue(body.slice(sent, (sent += 64)));
      else if (then === 'break') controller.error(new TypeError('network error'));
      else if (then === 'stall') await new Promise(() => {});
      else controller.close();
    },
    cancel() {
      cancelled += 1;
    },
  });
  return Promise.resolve(new Response(stream, { status }));
};

export const serve = (url, status, body, then) => void files.set(url, { status, body, then });
export const takeRequests = () => requests.splice(0);
export const cancellations = () => cancelled;
export const origin = () => location.origin;
export const abortAfter = (ms) => {
  const controller = new AbortController();
  setTimeout(() => controller.abort('because'), ms);
  return controller.signal;
};
export const get = (object, path) => path.split('.').reduce((value, name) => value[name], object);
/** As pages without https have it. */
export const hideSubtle = (hidden) => {
  if (hidden) Object.defineProperty(crypto, 'subtle', { value: undefined, configurable: true });
  else delete crypto.subtle;
};
export const json = (value) => JSON.stringify(value);
