import type { Backend, BackendEvents, Settings } from './backend.js';
import { Calls } from './calls.js';
import { DisposedError, InternalError, InvalidArgumentError } from './errors.js';
import { capture, release } from './frame.js';
import { folder } from './place.js';
import { startWorker } from './start-worker.js';
import type {
  JichoState,
  ModelInfo,
  OpenOptions,
  PictureSource,
  Recognition,
  RecognizeOptions,
  SyncOptions,
  SyncResult,
} from './types.js';
import { WorkerBackend } from './worker-backend.js';

/** A channel, opened on this device: keeps its model, and recognises with it. */
export class Jicho {
  readonly #calls = new Calls();
  readonly #onModel: ((model: ModelInfo | null) => void) | undefined;
  #backend: Backend | undefined;
  #model: ModelInfo | null = null;
  #ended: 'failed' | 'disposed' | undefined;

  private constructor(options: OpenOptions) {
    this.#onModel = options.onModel;
  }

  /**
   * Opens a channel with the model that the device has of it, if any; asks no host for a newer one ({@link sync} does).
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`, `INVALID_CHANNEL`, `UNSUPPORTED`, `NETWORK`, `HTTP_STATUS`, `STORAGE`.
   */
  static async open(options: OpenOptions): Promise<Jicho> {
    const settings = settingsOf(options);
    const jicho = new Jicho(options);
    try {
      const backend = await makeBackend(settings, options.worker ?? true, {
        onModel: (model) => jicho.#take(model),
        onCrash: (message) => jicho.#fail(message),
      });
      jicho.#backend = backend;
      await jicho.#calls.run(() => backend.open());
    } catch (error) {
      jicho.dispose();
      throw error;
    }
    return jicho;
  }

  /** What answers now, or null. */
  get model(): ModelInfo | null {
    return this.#model;
  }

  /** Whether it recognises, and if not, why. */
  get state(): JichoState {
    return this.#ended ?? (this.#model ? 'ready' : 'absent');
  }

  /**
   * Asks the host for a newer model and takes it. The old one answers meanwhile, and stays when anything is wrong with
   * the new one.
   *
   * @throws {@link JichoError} What is wrong with the release or its host; `ABORTED`.
   */
  async sync(options: SyncOptions = {}): Promise<SyncResult> {
    const backend = this.#usable();
    const { signal, onProgress } = options;
    return this.#calls.run((ended) => backend.sync((progress) => onProgress?.(progress), ended), signal);
  }

  /**
   * Recognises what a picture shows now. Calls that overlap are answered one after another; await each before the next
   * one of a video, or they pile up.
   *
   * @throws {@link JichoError} `NO_MODEL`, `INVALID_FRAME`, `INVALID_ARGUMENT`, `ABORTED`, `DISPOSED`, `INTERNAL`.
   */
  async recognize(source: PictureSource, options: RecognizeOptions = {}): Promise<Recognition> {
    const backend = this.#usable();
    const answer = await this.#calls.run(async (ended) => {
      const frame = await capture(source);
      if (ended.aborted) {
        release(frame);
        ended.throwIfAborted();
      }
      return backend.recognize(frame, ended);
    }, options.signal);
    return { id: newId(), ...answer };
  }

  /** Ends the worker and frees the model; every call that waits rejects with `DISPOSED`. What is stored stays. */
  dispose(): void {
    if (this.#ended === 'disposed') return;
    this.#ended = 'disposed';
    this.#model = null;
    this.#calls.stop(new DisposedError('disposed while the call was waiting'));
    this.#backend?.dispose();
  }

  #usable(): Backend {
    if (!this.#backend || this.#ended === 'disposed') throw new DisposedError('this Jicho was disposed: open another one');
    return this.#backend;
  }

  #take(model: ModelInfo | null): void {
    if (this.#ended) return;
    const other = model?.releaseSeq !== this.#model?.releaseSeq;
    this.#model = model;
    // Apart, so that a listener that throws harms nothing here.
    if (other) queueMicrotask(() => this.#onModel?.(model));
  }

  #fail(message: string): void {
    this.#take(null);
    this.#ended ??= 'failed';
    this.#calls.stop(new InternalError(message));
  }
}

async function makeBackend(
  settings: Settings,
  worker: boolean | (() => Worker),
  events: BackendEvents,
): Promise<Backend> {
  if (worker) {
    const own = typeof worker === 'function' ? worker : undefined;
    return new WorkerBackend(settings, () => startWorker(own), events.onModel);
  }
  // Only here, so that a page with a worker does not load the wasm module's glue as well.
  const { WasmBackend } = await import('./wasm-backend.js');
  return new WasmBackend(settings, events);
}

function settingsOf(options: OpenOptions): Settings {
  if (typeof options?.channel !== 'string') throw new InvalidArgumentError('the option "channel" must be a string');
  const wasm = options.wasm === undefined ? undefined : folder('wasm', options.wasm);
  return { channel: options.channel, models: folder('models', options.models), wasm };
}

/** `crypto.randomUUID` is missing on pages without https. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
