import { AbortedError, type JichoError } from '../api/errors.js';

/** The calls that wait for an answer, so that an abort or the end of everything rejects them at once. */
export class Calls {
  readonly #waiting = new Set<(error: JichoError) => void>();

  /** Runs `start` with a signal that aborts when the caller's does, or at {@link stop}. */
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

  /** Rejects every call that waits. */
  stop(error: JichoError): void {
    for (const stop of [...this.#waiting]) stop(error);
  }
}
