import type { Backend, Settings } from './backend.js';
import { Connection } from './connection.js';
import { AbortedError, DisposedError, InternalError } from './errors.js';
import { type Frame, release, transferables } from './frame.js';
import type { Answer, ModelInfo, SyncProgress, SyncResult } from './types.js';

/** The channel in a worker. One that dies is replaced, and the channel opened anew from what the device has. */
export class WorkerBackend implements Backend {
  readonly #settings: Settings;
  readonly #startWorker: () => Worker;
  readonly #onModel: (model: ModelInfo | null) => void;
  #current: Connection | undefined;
  #opening: Promise<Connection> | undefined;
  #disposed = false;

  constructor(settings: Settings, startWorker: () => Worker, onModel: (model: ModelInfo | null) => void) {
    this.#settings = settings;
    this.#startWorker = startWorker;
    this.#onModel = onModel;
  }

  async open(): Promise<void> {
    await this.#opened();
  }

  async sync(onProgress: (progress: SyncProgress) => void, signal: AbortSignal): Promise<SyncResult> {
    const connection = await this.#opened();
    return connection.call<SyncResult>({ type: 'sync' }, { signal, onProgress });
  }

  async recognize(frame: Frame, signal: AbortSignal): Promise<Answer> {
    try {
      const connection = await this.#opened();
      if (signal.aborted) throw new AbortedError('aborted by the caller');
      return await connection.call<Answer>({ type: 'recognize', frame }, { signal, transfer: transferables(frame) });
    } finally {
      release(frame);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#current?.end(new DisposedError('disposed'));
  }

  /** The connection with the channel open in it. An opening that failed is tried again by the next call. */
  async #opened(): Promise<Connection> {
    if (this.#disposed) throw new DisposedError('disposed');
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<Connection> {
    let opened = false;
    const connection = new Connection(this.#startWorker(), this.#onModel, () => {
      // One that dies while it opens would die again.
      if (opened) this.#replace();
    });
    this.#current = connection;
    try {
      await connection.call({ type: 'open', settings: this.#settings }, {});
    } catch (error) {
      connection.end(new InternalError('the channel could not be opened'));
      throw error;
    }
    opened = true;
    return connection;
  }

  #replace(): void {
    this.#opening = undefined;
    this.#opened().catch(() => this.#onModel(null));
  }
}
