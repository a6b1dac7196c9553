import { InvalidArgumentError, NetworkError, UnsupportedError } from '../api/errors.js';
import { placedUrl } from '../browser/own-address.js';

/** Starts the worker whose script a bundler placed, in the form that bundlers know. */
export type Place = () => Worker;

/** Where the workers that run were started, to ask for their script's URL if it cannot be loaded. */
const places = new WeakMap<Worker, Place>();

/** The URL of a worker's script; undefined if an app started the worker. */
export function scriptUrl(worker: Worker): string | undefined {
  const place = places.get(worker);
  return place && urlOf(place);
}

/** Starts a worker of this package, or the one that an app gives. */
export function start(own: Place | undefined, place: Place): Worker {
  if (own) {
    let worker: Worker;
    try {
      worker = own();
    } catch (error) {
      throw new UnsupportedError(`the option "worker" starts no worker: ${String(error)}`, { cause: error });
    }
    if (typeof worker?.postMessage === 'function' && typeof worker.terminate === 'function') return worker;
    throw new InvalidArgumentError('the function of the option "worker" must return a Worker');
  }
  if (typeof Worker !== 'function') throw new UnsupportedError(withoutWorkers());
  const worker = startPlaced(place);
  places.set(worker, place);
  return worker;
}

function startPlaced(place: Place): Worker {
  try {
    return place();
  } catch (error) {
    const url = urlOf(place);
    if (new URL(url).origin !== globalThis.location?.origin) return startForeign(url);
    if (trustedTypes()) return startTrusted(url);
    throw new UnsupportedError(`no worker can be started from ${url}: ${String(error)}`, { cause: error });
  }
}

function withoutWorkers(): string {
  if (isServiceWorker()) return IN_SERVICE_WORKER;
  return 'no worker can be started here, as in a shared worker: pass worker: false, which runs in this very thread';
}

const IN_SERVICE_WORKER =
  'a service worker can start no worker, and may not load scripts on demand: open it in a page or a dedicated worker';

function isServiceWorker(): boolean {
  return globalThis.constructor.name === 'ServiceWorkerGlobalScope';
}

/** Loads a part of the package that runs in this very thread. */
export async function loadPart<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (isServiceWorker()) throw new UnsupportedError(IN_SERVICE_WORKER, { cause: error });
    throw new NetworkError(`a script of the package cannot be loaded: ${String(error)}`, { cause: error });
  }
}

/**
 * The absolute URL of a worker's script. Bundlers place one only where a worker is started, so one is started, by a
 * constructor that notes the URL.
 */
export function urlOf(place: Place): string {
  const scope = globalThis as { Worker: unknown };
  const { Worker } = scope;
  let found = '';
  // No arrow function, which cannot be a constructor.
  scope.Worker = function (url: string | URL): void {
    found = String(url);
  };
  try {
    return placedUrl(() => {
      place();
      return { href: found } as URL;
    });
  } finally {
    scope.Worker = Worker;
  }
}

/** A browser starts no worker from another origin, but one of this origin may import a script from there. */
function startForeign(url: string): Worker {
  const script = new Blob([`import ${JSON.stringify(url)};`], { type: 'text/javascript' });
  const address = URL.createObjectURL(script);
  try {
    return new Worker(trustedTypes() ? (trusted(address) as string) : address, { type: 'module', name: 'jicho' });
  } catch (error) {
    const advice = 'serve the package from your own origin, or let the Content-Security-Policy allow worker-src blob:';
    throw new UnsupportedError(`no worker can be started from ${url}, another origin: ${advice}`, { cause: error });
  }
}

function startTrusted(url: string): Worker {
  return new Worker(trusted(url) as string, { type: 'module', name: 'jicho' });
}

/** Of Trusted Types, which the compiler's library does not know. */
interface Policies {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): unknown };
}

function trustedTypes(): Policies | undefined {
  return (globalThis as { trustedTypes?: Policies }).trustedTypes;
}

let policy: ReturnType<Policies['createPolicy']> | undefined;

/** The URL as a page that requires Trusted Types wants it. */
function trusted(url: string): unknown {
  try {
    policy ??= trustedTypes()?.createPolicy('jicho', { createScriptURL: (own) => own });
    return policy?.createScriptURL(url);
  } catch (error) {
    const advice = 'add jicho to trusted-types in the Content-Security-Policy, or pass the option "worker"';
    throw new UnsupportedError(`this page requires Trusted Types and allows no policy "jicho": ${advice}`, {
      cause: error,
    });
  }
}
