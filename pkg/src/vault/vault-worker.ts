import { type Place, start, urlOf } from '../worker/start.js';

// Bundlers know this very form.
const place: Place = () =>
  new Worker(new URL('./vault-worker.js', import.meta.url), { type: 'module', name: 'jicho-vault' });

/** Starts the worker for vaults, or the one that an app gives. */
export function startVaultWorker(own: Place | undefined): Worker {
  return start(own, place);
}

/** The absolute URL of its script. */
export function vaultWorkerUrl(): string {
  return urlOf(place);
}
