import { AbortedError, type JichoError } from '../api/errors.js';

/** Tracks calls that wait for an answer. An abort by the caller, or {@link stop}, rejects them at once. */
export class Calls {
  readonly #waiting = new Set<(error: JichoError) => void>();

  /** Runs `start` with a signal that is aborted together with the caller's signal, or by {@link stop}. */
  run<T>(start: (signal: AbortSignal) => Promise<T>, caller?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const aborted = () => new AbortedError('aborted by the caller', { cause: caller?.reason });
      if (caller?.aborted) {
        reject(aborted());
        return;
      }
      const controller = new AbortController();
      const onAbort = () => stop(aborted());
      const settle = () => {
        this.#waiting.delete(stop);
        caller?.removeEventListener('abort', onAbort);
      };
      const stop = (error: JichoError) => {
        settle();
        reject(error);
        controller.abort();
      };
      this.#waiting.add(stop);
      caller?.addEventListener('abort', onAbort);
      start(controller.signal).then(resolve, reject).finally(settle);
    });
  }

  /** Rejects every waiting call. */
  stop(error: JichoError): void {
    for (const stop of [...this.#waiting]) stop(error);
  }
}
