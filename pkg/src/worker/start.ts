import { UnsupportedError } from '../api/errors.js';

/** Starts the package's worker, or the one that an app gives. */
export function startWorker(own: (() => Worker) | undefined): Worker {
  try {
    // Bundlers know this very form.
    return own ? own() : new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'jicho' });
  } catch (error) {
    throw new UnsupportedError(`no worker can be started here: ${String(error)}`, { cause: error });
  }
}
