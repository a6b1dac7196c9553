import { isFailure } from '../api/error-codes.js';
import { VERSION } from '../api/version.js';
import type { Reply, Request } from './protocol.js';

/** Whether this script runs as a dedicated worker. Not every runtime has a `WorkerGlobalScope`. */
export function isDedicatedWorker(): boolean {
  return typeof (globalThis as { postMessage?: unknown }).postMessage === 'function' && !('document' in globalThis);
}

/** Posts to the page that started this worker. */
export function post(reply: Reply): void {
  // The page's global has a `postMessage` of another shape, and the two sets of types exclude each other.
  (globalThis as unknown as { postMessage(reply: Reply): void }).postMessage(reply);
}

/** Posts that a call failed. */
export function postFailure(id: number, error: unknown): void {
  const code = isFailure(error) ? error.code : 'INTERNAL';
  post({ type: 'failed', id, code, message: error instanceof Error ? error.message : String(error) });
}

/** Hears the page's requests from now on, and tells the page so, with this script's version. */
export function listen(hear: (request: Request) => void): void {
  globalThis.addEventListener('message', (event: MessageEvent<Request>) => hear(event.data));
  post({ type: 'ready', version: VERSION });
}
