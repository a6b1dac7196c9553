import type { ChannelDiagnosis } from '../../wasm/jicho.js';
import { AbortedError, DisposedError, InternalError } from '../api/errors.js';
import type { SyncProgress, SyncResult } from '../api/model.js';
import type { Answer, Quality } from '../api/recognition.js';
import { type Capture, release, transferables } from '../capture/capture.js';
import type { LessonAnswers, LessonRequest } from '../lessons/requests.js';
import { compileAhead } from '../wasm/compile-ahead.js';
import { type Call, Connection } from '../worker/connection.js';
import type { Asked, Backend, BackendEvents, Settings } from './backend.js';

/** The channel in a worker. A worker that dies is replaced, and the channel opened anew from what the device has. */
export class WorkerBackend implements Backend {
  readonly #startWorker: () => Worker;
  readonly #events: BackendEvents;
  #settings: Settings;
  #current: Connection | undefined;
  #opening: Promise<Connection> | undefined;
  #disposed = false;

  constructor(settings: Settings, startWorker: () => Worker, events: BackendEvents) {
    this.#settings = settings;
    this.#startWorker = startWorker;
    this.#events = events;
  }

  async open(): Promise<void> {
    await this.#opened();
  }

  async sync(onProgress: (progress: SyncProgress) => void, signal: AbortSignal): Promise<SyncResult> {
    return this.#call({ type: 'sync' }, signal, onProgress);
  }

  async refresh(signal: AbortSignal): Promise<void> {
    return this.#call({ type: 'refresh' }, signal);
  }

  async recognize(captures: Capture[], asked: Asked, signal: AbortSignal): Promise<Answer> {
    return this.#handOver(captures, { type: 'recognize', captures, asked }, signal);
  }

  async assess(capture: Capture, signal: AbortSignal): Promise<Quality> {
    return this.#handOver([capture], { type: 'assess', capture }, signal);
  }

  async lessons<R extends LessonRequest>(request: R, signal: AbortSignal): Promise<LessonAnswers[R['do']]> {
    return this.#handOver(request.do === 'enroll' ? request.captures : [], { type: 'lessons', request }, signal);
  }

  async clear(signal: AbortSignal): Promise<void> {
    return this.#call({ type: 'clear' }, signal);
  }

  async unload(signal: AbortSignal): Promise<void> {
    return this.#call({ type: 'unload' }, signal);
  }

  async diagnose(signal: AbortSignal): Promise<ChannelDiagnosis> {
    return this.#call({ type: 'diagnose' }, signal);
  }

  setProducts(products: string[] | null): void {
    // For a worker that replaces this one, too.
    this.#settings = { ...this.#settings, products };
    this.#current?.tell({ type: 'products', products });
  }

  dispose(): void {
    this.#disposed = true;
    this.#current?.end(new DisposedError('disposed'));
  }

  async #call<T>(call: Call, signal: AbortSignal, onProgress?: (progress: SyncProgress) => void): Promise<T> {
    const connection = await this.#opened();
    if (signal.aborted) throw new AbortedError('aborted by the caller');
    return connection.call<T>(call, { signal, ...(onProgress && { onProgress }) });
  }

  /** A call that transfers captures to the worker. */
  async #handOver<T>(captures: Capture[], call: Call, signal: AbortSignal): Promise<T> {
    try {
      const connection = await this.#opened();
      if (signal.aborted) throw new AbortedError('aborted by the caller');
      return await connection.call<T>(call, { signal, transfer: captures.flatMap(transferables) });
    } finally {
      captures.forEach(release);
    }
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
    const compiling = compileAhead(this.#settings.wasm);
    // It is awaited below, unless no worker can be started.
    compiling.catch(() => undefined);
    const connection = new Connection(this.#startWorker(), this.#events, () => {
      // One that dies while it opens would die again.
      if (opened) this.#replace();
    });
    this.#current = connection;
    try {
      const module = await compiling;
      await connection.call({ type: 'open', settings: this.#settings, module }, {});
    } catch (error) {
      connection.end(new InternalError('the channel could not be opened'));
      throw error;
    }
    opened = true;
    return connection;
  }

  #replace(): void {
    this.#opening = undefined;
    this.#opened().catch(() => this.#events.onModel(null));
  }
}
