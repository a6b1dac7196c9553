import { DisposedError } from '../api/errors.js';
import { Connection } from './connection.js';

/** The URLs of the scripts that a worker has loaded besides its own. Ends the worker. */
export async function loadedScripts(worker: Worker): Promise<string[]> {
  const connection = new Connection(worker, {}, () => undefined);
  try {
    return await connection.call<string[]>({ type: 'scripts' }, {});
  } finally {
    connection.end(new DisposedError('disposed'));
  }
}
