/** One operation that several callers wait for. It is aborted once every caller has aborted. */
export class SharedOperation<T, P> {
  /** Resolves when the operation has ended, successfully or not. */
  readonly settled: Promise<void>;
  readonly #result: Promise<T>;
  readonly #controller = new AbortController();
  readonly #listeners = new Set<(progress: P) => void>();
  /** How many callers have not aborted. */
  #waiting = 0;
  #last: P | undefined;

  /** Starts the operation. */
  constructor(start: (onProgress: (progress: P) => void, signal: AbortSignal) => Promise<T>) {
    const tell = (progress: P): void => {
      this.#last = progress;
      for (const listener of this.#listeners) listener(progress);
    };
    this.#result = start(tell, this.#controller.signal);
    this.settled = this.#result.then(
      () => undefined,
      () => undefined,
    );
  }

  get aborted(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Waits for the result. A caller that joins late is told the last progress first. */
  async join(onProgress: (progress: P) => void, signal: AbortSignal): Promise<T> {
    // A function of its own, so that one callback can be registered twice.
    const listener = (progress: P): void => onProgress(progress);
    this.#waiting += 1;
    this.#listeners.add(listener);
    if (this.#last !== undefined) listener(this.#last);
    const leave = (): void => {
      this.#listeners.delete(listener);
      this.#waiting -= 1;
      if (this.#waiting === 0) this.abort();
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    try {
      return await this.#result;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** Aborts the operation for all callers. */
  abort(): void {
    this.#controller.abort();
  }
}
