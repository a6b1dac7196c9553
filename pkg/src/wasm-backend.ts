import type { Channel } from '../wasm/jicho.js';
import type { Backend, BackendEvents, Settings } from './backend.js';
import { AbortedError, errorOf, InternalError, isFailure, JichoError, NoModelError } from './errors.js';
import { type Frame, release } from './frame.js';
import { PixelReader } from './pixels.js';
import type { Answer, SyncProgress, SyncResult } from './types.js';
import { condemnWasm, loadWasm } from './wasm-module.js';

/** The channel in this very thread, be it the page's or a worker's. */
export class WasmBackend implements Backend {
  readonly #settings: Settings;
  readonly #events: BackendEvents;
  readonly #reader = new PixelReader();
  #channel: Channel | undefined;
  #crashed: InternalError | undefined;
  #waiting = 0;
  /** The last picture that was asked for; the next one waits for it. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(settings: Settings, events: BackendEvents) {
    this.#settings = settings;
    this.#events = events;
  }

  async open(): Promise<void> {
    const wasm = await loadWasm(this.#settings.wasm);
    globalThis.addEventListener('error', this.#onError);
    globalThis.addEventListener('unhandledrejection', this.#onRejection);
    const { models, channel } = this.#settings;
    this.#channel = await this.#call(() => wasm.Channel.open(models, channel));
    this.#events.onModel(await this.#call(() => this.#opened().model()));
  }

  async sync(onProgress: (progress: SyncProgress) => void, signal: AbortSignal): Promise<SyncResult> {
    const report = (loadedBytes: number, totalBytes: number) => onProgress({ loadedBytes, totalBytes });
    const result = await this.#call(() => this.#opened().sync(report, signal));
    if (result.outcome === 'updated') this.#events.onModel(result.model);
    return result;
  }

  async recognize(frame: Frame, signal: AbortSignal): Promise<Answer> {
    const previous = this.#turn;
    const answer = previous.then(() => this.#answer(frame, signal));
    // How it ends is its caller's business.
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  dispose(): void {
    globalThis.removeEventListener('error', this.#onError);
    globalThis.removeEventListener('unhandledrejection', this.#onRejection);
    if (!this.#crashed) this.#channel?.free();
    this.#channel = undefined;
  }

  async #answer(frame: Frame, signal: AbortSignal): Promise<Answer> {
    if (signal.aborted) {
      release(frame);
      throw new AbortedError('aborted by the caller');
    }
    const started = performance.now();
    const { rgba, width, height } = await this.#reader.read(frame);
    const recognition = await this.#call(() => this.#opened().recognize(rgba, width, height));
    return { ...recognition, ms: performance.now() - started, width, height };
  }

  #opened(): Channel {
    if (!this.#channel) throw new NoModelError('the channel is not open');
    return this.#channel;
  }

  /** Whatever the wasm module throws that is not one of its errors is a panic, an overflow or the end of its memory. */
  async #call<T>(call: () => T | Promise<T>): Promise<T> {
    if (this.#crashed) throw this.#crashed;
    this.#waiting += 1;
    try {
      return await call();
    } catch (thrown) {
      if (thrown instanceof JichoError) throw thrown;
      if (isFailure(thrown)) throw errorOf(thrown.code, thrown.message);
      throw this.#crash(thrown);
    } finally {
      this.#waiting -= 1;
    }
  }

  #crash(thrown: unknown): InternalError {
    if (!this.#crashed) {
      const message = String(thrown);
      this.#crashed = new InternalError(`a defect ended Jicho: ${message}`, { cause: thrown });
      condemnWasm(message);
      this.#events.onCrash(this.#crashed.message);
    }
    return this.#crashed;
  }

  // A panic in a task of the wasm module that awaits something reaches no caller: its promise is never settled.
  readonly #onError = (event: ErrorEvent): void => this.#suspect(event.error);
  readonly #onRejection = (event: PromiseRejectionEvent): void => this.#suspect(event.reason);

  /** While nothing waits, it is another module's. */
  #suspect(thrown: unknown): void {
    if (thrown instanceof WebAssembly.RuntimeError && this.#waiting > 0) this.#crash(thrown);
  }
}
