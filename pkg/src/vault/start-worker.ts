import { startWorker } from '../worker/start.js';

/** Starts the worker of a vault, or the one that an app gives. */
export function startVaultWorker(own: (() => Worker) | undefined): Worker {
  // Bundlers recognise this very form, and place the worker's file.
  return startWorker(
    () => new Worker(new URL('./vault-worker.js', import.meta.url), { type: 'module', name: 'jicho-vault' }),
    own,
  );
}
