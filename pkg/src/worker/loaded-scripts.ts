import { DisposedError, UnsupportedError } from '../api/errors.js';
import { Connection } from './connection.js';

/** Milliseconds that a worker has to load its scripts and answer. */
const LIMIT = 30_000;

/** The URLs of the scripts that a worker has loaded besides its own. Ends the worker. */
export async function loadedScripts(worker: Worker): Promise<string[]> {
  const connection = new Connection(worker, {}, () => undefined);
  const advice = 'its script must import jicho/worker, of this version of the package';
  const timer = setTimeout(() => connection.end(new UnsupportedError(`the worker does not answer: ${advice}`)), LIMIT);
  try {
    return await connection.call<string[]>({ type: 'scripts' }, {});
  } finally {
    clearTimeout(timer);
    connection.end(new DisposedError('disposed'));
  }
}
