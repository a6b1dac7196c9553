import { UnsupportedError } from '../api/errors.js';

/** Starts the package's worker of vaults, or the one that an app gives. */
export function startVaultWorker(own: (() => Worker) | undefined): Worker {
  try {
    // Bundlers know this very form.
    return own
      ? own()
      : new Worker(new URL('./vault-worker.js', import.meta.url), { type: 'module', name: 'jicho-vault' });
  } catch (error) {
    throw new UnsupportedError(`no worker can be started here: ${String(error)}`, { cause: error });
  }
}
