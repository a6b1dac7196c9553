import { type Place, start, urlOf } from './start.js';

// Bundlers know this very form. Apart from the vault's worker, which an app without a vault need not have.
const place: Place = () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'jicho' });

/** Starts the worker for channels and networks, or the one that an app gives. */
export function startWorker(own: Place | undefined): Worker {
  return start(own, place);
}

/** The absolute URL of its script. */
export function workerUrl(): string {
  return urlOf(place);
}
