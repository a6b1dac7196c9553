import { errorOf, isFailure } from '../api/error-codes.js';
import { InternalError, JichoError } from '../api/errors.js';
import { condemnWasm } from './loader.js';

/** Calls into the wasm modules of this thread. Turns what they throw into typed errors, and detects when a module has crashed. */
export class WasmCalls {
  readonly #onCrash: (message: string) => void;
  #crashed: InternalError | undefined;
  /** Rejects the waiting calls after a crash. */
  readonly #waiting = new Set<(error: InternalError) => void>();

  constructor(onCrash: (message: string) => void) {
    this.#onCrash = onCrash;
    globalThis.addEventListener('error', this.#onError);
    globalThis.addEventListener('unhandledrejection', this.#onRejection);
  }

  /** Whether a module has crashed. Nothing of it may be called then. */
  get crashed(): boolean {
    return this.#crashed !== undefined;
  }

  /** Anything thrown that is not a typed error is a panic, a stack overflow or the end of memory: the module has crashed. */
  async call<T>(call: () => T | Promise<T>): Promise<T> {
    if (this.#crashed) throw this.#crashed;
    let end: (error: InternalError) => void = () => undefined;
    // After a panic the promise may never settle.
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

  // A panic in an asynchronous task of the module reaches no caller, only these global events.
  readonly #onError = (event: ErrorEvent): void => this.#suspect(event.error);
  readonly #onRejection = (event: PromiseRejectionEvent): void => this.#suspect(event.reason);

  /** While no call is waiting, the error belongs to another wasm module of the app. */
  #suspect(thrown: unknown): void {
    if (thrown instanceof WebAssembly.RuntimeError && this.#waiting.size > 0) this.#crash(thrown);
  }
}

/** Whether the small module reports that this release needs the module with tract. Never shown to apps. */
export function needsTract(thrown: unknown): boolean {
  return (thrown as { code?: unknown } | undefined)?.code === 'NEEDS_TRACT';
}
