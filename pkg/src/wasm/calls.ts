import { errorOf, isFailure } from '../api/error-table.js';
import { InternalError, JichoError } from '../api/errors.js';
import { condemnWasm } from './loader.js';

/** The calls to wasm modules in this thread: types what they throw, and notices when a defect ends them. */
export class WasmCalls {
  readonly #onCrash: (message: string) => void;
  #crashed: InternalError | undefined;
  /** Ends the calls that wait. */
  readonly #waiting = new Set<(error: InternalError) => void>();

  constructor(onCrash: (message: string) => void) {
    this.#onCrash = onCrash;
    globalThis.addEventListener('error', this.#onError);
    globalThis.addEventListener('unhandledrejection', this.#onRejection);
  }

  /** Whether a defect has ended them. */
  get crashed(): boolean {
    return this.#crashed !== undefined;
  }

  /** Whatever a wasm module throws that is not one of its errors is a panic, an overflow or the end of its memory. */
  async call<T>(call: () => T | Promise<T>): Promise<T> {
    if (this.#crashed) throw this.#crashed;
    let end: (error: InternalError) => void = () => undefined;
    // A panic may leave a promise unsettled.
    const ended = new Promise<never>((_, reject) => (end = reject));
    this.#waiting.add(end);
    try {
      return await Promise.race([call(), ended]);
    } catch (thrown) {
      if (thrown instanceof JichoError || needsTract(thrown)) throw thrown;
      if (isFailure(thrown)) throw errorOf(thrown.code, thrown.message);
      throw this.#crash(thrown);
    } finally {
      this.#waiting.delete(end);
    }
  }

  dispose(): void {
    globalThis.removeEventListener('error', this.#onError);
    globalThis.removeEventListener('unhandledrejection', this.#onRejection);
  }

  #crash(thrown: unknown): InternalError {
    if (!this.#crashed) {
      const message = String(thrown);
      this.#crashed = new InternalError(`a defect ended Jicho: ${message}`, { cause: thrown });
      condemnWasm(message);
      for (const end of this.#waiting) end(this.#crashed);
      this.#onCrash(this.#crashed.message);
    }
    return this.#crashed;
  }

  // A panic in a task of a wasm module that awaits something reaches no caller: its promise is never settled.
  readonly #onError = (event: ErrorEvent): void => this.#suspect(event.error);
  readonly #onRejection = (event: PromiseRejectionEvent): void => this.#suspect(event.reason);

  /** While nothing waits, it is another module's. */
  #suspect(thrown: unknown): void {
    if (thrown instanceof WebAssembly.RuntimeError && this.#waiting.size > 0) this.#crash(thrown);
  }
}

/** Whether the small module says that only the one with tract can do it. Users never see this one. */
export function needsTract(thrown: unknown): boolean {
  return (thrown as { code?: unknown } | undefined)?.code === 'NEEDS_TRACT';
}
