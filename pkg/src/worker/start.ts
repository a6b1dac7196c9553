import { InvalidArgumentError, UnsupportedError } from '../api/errors.js';

/**
 * Starts the package's worker by `ours`, or the one that an app gives.
 *
 * @throws UnsupportedError, InvalidArgumentError
 */
export function startWorker(ours: () => Worker, own: (() => Worker) | undefined): Worker {
  let worker: Worker;
  try {
    worker = (own ?? ours)();
  } catch (error) {
    const trusted = /TrustedScriptURL|Trusted Types/i.test(String(error));
    const hint = trusted
      ? '; under Trusted Types give the option "worker" a function that starts it from a TrustedScriptURL'
      : '';
    throw new UnsupportedError(`no worker can be started here: ${String(error)}${hint}`, { cause: error });
  }
  if (own && !(typeof worker?.postMessage === 'function' && typeof worker.terminate === 'function')) {
    throw new InvalidArgumentError('the function of the option "worker" must return a Worker');
  }
  return worker;
}
