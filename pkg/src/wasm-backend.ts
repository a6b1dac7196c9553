import type { Channel as CompiledChannel, Synced } from '../wasm/jicho.js';
import type { Channel as TractChannel } from '../wasm/tract/jicho.js';
import type { Backend, BackendEvents, Settings } from './backend.js';
import { AbortedError, DisposedError, NoModelError } from './errors.js';
import { type Frame, release } from './frame.js';
import { PixelReader } from './pixels.js';
import type { Answer, ModelInfo, SyncProgress, SyncResult } from './types.js';
import { needsTract, WasmCalls } from './wasm-calls.js';
import { loadCompiled, loadTract } from './wasm-module.js';

type Channel = CompiledChannel | TractChannel;
type Report = (loadedBytes: number, totalBytes: number) => void;

/**
 * The channel in this very thread, be it the page's or a worker's. It lives in the small wasm module until a release
 * comes that only the one with tract runs.
 */
export class WasmBackend implements Backend {
  readonly #settings: Settings;
  readonly #events: BackendEvents;
  readonly #reader = new PixelReader();
  #calls: WasmCalls | undefined;
  #channel: Channel | undefined;
  #disposed = false;
  /** The last picture that was asked for; the next one waits for it. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The same of syncs. */
  #syncTurn: Promise<unknown> = Promise.resolve();

  constructor(settings: Settings, events: BackendEvents) {
    this.#settings = settings;
    this.#events = events;
  }

  async open(): Promise<void> {
    const wasm = await loadCompiled(this.#settings.wasm);
    this.#calls = new WasmCalls(this.#events.onCrash);
    const { models, channel } = this.#settings;
    try {
      this.#keep(await this.#call(() => wasm.Channel.open(models, channel)));
    } catch (thrown) {
      if (!needsTract(thrown)) throw thrown;
      this.#keep(await this.#openInTract());
    }
    this.#events.onModel(await this.#call(() => this.#opened().model()));
  }

  async sync(onProgress: (progress: SyncProgress) => void, signal: AbortSignal): Promise<SyncResult> {
    const report: Report = (loadedBytes, totalBytes) => onProgress({ loadedBytes, totalBytes });
    const synced = this.#syncTurn.then(() => this.#sync(report, signal));
    // How it ends is its caller's business.
    this.#syncTurn = synced.catch(() => undefined);
    return synced;
  }

  async recognize(frame: Frame, signal: AbortSignal): Promise<Answer> {
    const answer = this.#turn.then(() => this.#answer(frame, signal));
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  dispose(): void {
    this.#disposed = true;
    this.#free(this.#channel);
    this.#channel = undefined;
    this.#calls?.dispose();
  }

  async #sync(report: Report, signal: AbortSignal): Promise<SyncResult> {
    let result: Synced;
    try {
      const onLoaded = (model: ModelInfo): void => this.#events.onModel(model);
      result = await this.#call(() => this.#opened().sync(report, onLoaded, signal));
    } catch (thrown) {
      if (!needsTract(thrown)) throw thrown;
      result = await this.#syncInTract(report, signal);
    }
    if (result.outcome === 'updated') this.#events.onModel(result.model);
    return result;
  }

  /** Opens the channel a second time, and lets it take over once it has the new model; until then the old one answers. */
  async #syncInTract(report: Report, signal: AbortSignal): Promise<Synced> {
    const channel = await this.#openInTract();
    let result: Synced;
    try {
      // It does not answer for the channel yet.
      result = await this.#call(() => channel.sync(report, () => undefined, signal));
    } catch (error) {
      this.#free(channel);
      throw error;
    }
    if (result.outcome === 'updated') {
      this.#keep(channel);
      return result;
    }
    this.#free(channel);
    return { ...result, model: this.#opened().model() };
  }

  async #openInTract(): Promise<Channel> {
    const { wasm: folder, models, channel } = this.#settings;
    const wasm = await loadTract(folder);
    return this.#call(() => wasm.Channel.open(models, channel));
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

  #call<T>(call: () => T | Promise<T>): Promise<T> {
    if (!this.#calls) throw new NoModelError('the channel is not open');
    return this.#calls.call(call);
  }

  #opened(): Channel {
    if (!this.#channel) throw new NoModelError('the channel is not open');
    return this.#channel;
  }

  #keep(channel: Channel): void {
    if (this.#disposed) {
      this.#free(channel);
      throw new DisposedError('disposed');
    }
    this.#free(this.#channel);
    this.#channel = channel;
  }

  #free(channel: Channel | undefined): void {
    // After a defect nothing of the module may be called.
    if (!this.#calls?.crashed) channel?.free();
  }
}
