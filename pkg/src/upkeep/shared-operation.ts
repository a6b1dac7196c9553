/** One operation for all who wait for it. It is aborted when the last of them aborts. */
export class SharedOperation<T, P> {
  /** When it has ended, however. */
  readonly settled: Promise<void>;
  readonly #result: Promise<T>;
  readonly #controller = new AbortController();
  readonly #listeners = new Set<(progress: P) => void>();
  /** Those who have not aborted. */
  #waiting = 0;
  #last: P | undefined;

  /** Starts it. */
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

  /** Waits for its result. Who comes late hears of the last progress first. */
  async join(onProgress: (progress: P) => void, signal: AbortSignal): Promise<T> {
    // One of its own, so that the same function can listen twice.
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

  /** Aborts it, whoever waits. */
  abort(): void {
    this.#controller.abort();
  }
}
