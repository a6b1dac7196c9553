import { capture, type Frame, release } from '../capture/capture.js';
import { type Backend, type BackendEvents, channelKey, type Settings } from '../channel/backend.js';
import { Calls } from '../channel/calls.js';
import { checkInterval, productsOf, settingsOf, tokenOf } from '../channel/options.js';
import { WorkerBackend } from '../channel/worker-backend.js';
import { checked, saidOf, Teaching } from '../lessons/teaching.js';
import { diagnose } from '../upkeep/collect-diagnostics.js';
import { Upkeep } from '../upkeep/upkeep.js';
import { VaultShelf } from '../vault/lesson-store.js';
import { startWorker } from '../worker/start.js';
import type { Diagnostics } from './diagnostics.js';
import { AbortedError, DisposedError, InternalError, InvalidArgumentError, JichoError } from './errors.js';
import type { Enrolled, ImportedLessons, TaughtChange, TaughtProduct } from './lesson-types.js';
import type {
  CallOptions,
  EnrollOptions,
  JichoState,
  ModelInfo,
  OpenOptions,
  PictureSource,
  Quality,
  Recognition,
  SyncOptions,
  SyncResult,
} from './types.js';

/** Pictures in one call at most, as in one lesson. */
const MOST_FRAMES = 32;

/** A channel, opened on this device: keeps its model current, and recognises with it. */
export class Jicho {
  readonly #calls = new Calls();
  readonly #options: OpenOptions;
  readonly #settings: Settings;
  #backend: Backend | undefined;
  #upkeep: Upkeep | undefined;
  readonly #teaching = new Teaching();
  /** As the release says; with what was taught, `#model`. */
  #release: ModelInfo | null = null;
  #model: ModelInfo | null = null;
  #ended: 'failed' | 'disposed' | undefined;

  private constructor(options: OpenOptions, settings: Settings) {
    this.#options = options;
    this.#settings = settings;
  }

  /**
   * Opens a channel with the model that the device has of it, if any. It then asks the host for a newer one by itself
   * ({@link OpenOptions.checkEveryMinutes}).
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`, `INVALID_CHANNEL`, `UNSUPPORTED`, `NETWORK`, `HTTP_STATUS`, `STORAGE`,
   * `SCHEMA_TOO_NEW`, `ABORTED`.
   */
  static async open(options: OpenOptions): Promise<Jicho> {
    const settings = settingsOf(options);
    const every = checkInterval(options);
    const jicho = new Jicho(options, settings);
    try {
      await jicho.#calls.run(() => jicho.#open(every), options.signal);
    } catch (error) {
      jicho.dispose();
      throw error;
    }
    jicho.#upkeep?.start();
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
   * the new one. Where an automatic check runs, its result is this one's, too; other calls that overlap are answered one
   * after another.
   *
   * @throws {@link JichoError} What is wrong with the release or its host; `ABORTED`.
   */
  async sync(options: SyncOptions = {}): Promise<SyncResult> {
    const { upkeep } = this.#usable();
    const { signal, onProgress } = options;
    return this.#calls.run((ended) => upkeep.sync((progress) => onProgress?.(progress), ended), signal);
  }

  /**
   * Recognises what a picture shows now; several that show the same answer together, which is surer. Calls that overlap are
   * answered one after another; await each before the next one of a video, or they pile up.
   *
   * @throws {@link JichoError} `NO_MODEL`, `INVALID_FRAME`, `INVALID_ARGUMENT`, `ABORTED`, `DISPOSED`, `INTERNAL`.
   */
  async recognize(source: PictureSource | readonly PictureSource[], options: CallOptions = {}): Promise<Recognition> {
    const { backend, upkeep } = this.#usable();
    const id = newId();
    const answer = await this.#look(source, options, (frames, ended) => backend.recognize(frames, id, ended));
    const recognition = { id, ...answer };
    this.#teaching.answered(recognition);
    upkeep.journal.measures.inference(answer.ms, answer.predictions[0]?.confidence);
    upkeep.noted();
    return recognition;
  }

  /**
   * Teaches a product on this device: from the next recognition on it is known, by the frames given, about five from
   * different sides. Of a product that is known already they refine it. Frames that show nothing are left out, as the answer
   * tells. It survives the page, or nothing of it was kept. docs/teaching.md tells what is kept where, and how much can be.
   *
   * @throws {@link JichoError} `NO_MODEL`, `NOT_TEACHABLE`, `INVALID_FRAME` (none shows anything, or one cannot be read),
   * `INVALID_ARGUMENT`, `INVALID_LESSON` (id or facts too long), `LESSON_LIMIT`, `STORAGE`, `UNSUPPORTED`, `ABORTED`,
   * `DISPOSED`, `INTERNAL`; those of a vault.
   */
  async enroll(
    label: string,
    frames: PictureSource | readonly PictureSource[],
    options: EnrollOptions = {},
  ): Promise<Enrolled> {
    const { backend } = this.#usable();
    const said = saidOf(newId(), label, options);
    return this.#look(frames, options, (captured, ended) => this.#teaching.enroll(backend, said, captured, ended));
  }

  /**
   * Says what a recognition really showed: the product's id, or null for none of the products. Where the answer was another
   * one, its frames teach that. The pictures of about the last 32 recognitions wait for it; a second correction of one
   * replaces the first.
   *
   * @throws {@link JichoError} `RECOGNITION_GONE`, and as {@link Jicho.enroll}.
   */
  async correct(recognition: Recognition | string, label: string | null, options: CallOptions = {}): Promise<void> {
    const { backend, upkeep } = this.#usable();
    const { measures } = upkeep.journal;
    const correct = (ended: AbortSignal): Promise<void> =>
      this.#teaching.correct(backend, recognition, label, measures, ended);
    await this.#counted(this.#calls.run(correct, options.signal));
    upkeep.noted();
  }

  /**
   * Forgets all that was taught of a product; null: all that was said to be none. Whether there was anything.
   *
   * @throws {@link JichoError} `STORAGE`, `INVALID_ARGUMENT`, `ABORTED`, `DISPOSED`, `INTERNAL`; those of a vault.
   */
  async forget(label: string | null, options: CallOptions = {}): Promise<boolean> {
    const { backend } = this.#usable();
    const request = { do: 'forget', label: checked(label) } as const;
    return this.#counted(this.#calls.run((ended) => backend.lessons(request, ended), options.signal));
  }

  /** What is taught on this device. */
  taught(): TaughtProduct[] {
    return this.#teaching.taught;
  }

  /**
   * All that was taught as a file of JSON lines, in the clear, pictures included: for `jicho train --lessons`, and for
   * {@link Jicho.importLessons} on another device.
   *
   * @throws {@link JichoError} `STORAGE`, `ABORTED`, `DISPOSED`, `INTERNAL`; those of a vault.
   */
  async exportLessons(options: CallOptions = {}): Promise<Blob> {
    const { backend } = this.#usable();
    return this.#counted(this.#calls.run((ended) => backend.lessons({ do: 'export' }, ended), options.signal));
  }

  /**
   * Teaches what another device exported: all of it, or nothing. What is here already stays as it is.
   *
   * @throws {@link JichoError} `INVALID_LESSON`, and as {@link Jicho.enroll}.
   */
  async importLessons(file: Blob, options: CallOptions = {}): Promise<ImportedLessons> {
    const { backend } = this.#usable();
    if (!(file instanceof Blob)) throw new InvalidArgumentError('lessons are imported from a Blob');
    return this.#counted(this.#calls.run((ended) => backend.lessons({ do: 'import', file }, ended), options.signal));
  }

  /**
   * Tells how usable a picture is: without recognising it, and without a model. It waits its turn among recognitions.
   *
   * @throws {@link JichoError} `INVALID_FRAME`, `INVALID_ARGUMENT`, `ABORTED`, `DISPOSED`, `INTERNAL`.
   */
  async assess(source: PictureSource, options: CallOptions = {}): Promise<Quality> {
    const { backend } = this.#usable();
    return this.#look(source, options, ([frame], ended) => backend.assess(frame!, ended));
  }

  /**
   * Says which products the app knows, by id: all others are marked in answers (`known: false`) and never win, from the
   * next recognition on. Null: whatever the release has.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`, `DISPOSED`.
   */
  setProducts(ids: readonly string[] | null): void {
    this.#usable().backend.setProducts(productsOf(ids));
  }

  /**
   * Removes all that the device has of the channel: model, what was taught, diagnostics, and what other open tabs hold of it. It stays
   * open, without a model and without automatic checks until {@link sync} is called. An abort ends the wait for a tab
   * that is busy with the channel; the checks rest all the same.
   *
   * @throws {@link JichoError} `STORAGE`, `ABORTED`, `DISPOSED`, `INTERNAL`.
   */
  async clear(options: CallOptions = {}): Promise<void> {
    const { upkeep } = this.#usable();
    await this.#counted(this.#calls.run((ended) => upkeep.clear(ended), options.signal));
  }

  /**
   * How the channel stands on this device, for whoever is asked for help: one plain object that can be sent as JSON.
   * It has nothing of what was seen, and no secrets.
   *
   * @throws {@link JichoError} `ABORTED`, `DISPOSED`.
   */
  async diagnose(options: CallOptions = {}): Promise<Diagnostics> {
    const { backend, upkeep } = this.#usable();
    return this.#calls.run(async (ended) => {
      const channel = await backend.diagnose(ended).catch(() => null);
      const { state, model } = this;
      const { journal, every, nextCheckAt } = upkeep;
      const thread = this.#options.worker === false ? 'page' : 'worker';
      return diagnose({ settings: this.#settings, state, model, journal, thread, every, nextCheckAt }, channel);
    }, options.signal);
  }

  /** Begins the measures of {@link diagnose} anew: times, confidences, errors. */
  resetDiagnostics(): void {
    this.#usable().upkeep.reset();
  }

  /** Ends the worker and frees the model; every call that waits rejects with `DISPOSED`. What is stored stays. */
  dispose(): void {
    if (this.#ended === 'disposed') return;
    this.#ended = 'disposed';
    this.#release = this.#model = null;
    this.#calls.stop(new DisposedError('disposed while the call was waiting'));
    this.#upkeep?.dispose();
    this.#backend?.dispose();
  }

  async #open(every: number): Promise<void> {
    const { vault } = this.#options;
    const shelf = vault && new VaultShelf(vault, channelKey(this.#settings));
    const backend = await makeBackend(this.#settings, this.#options.worker ?? true, {
      onModel: (model) => this.#take(model),
      onLoad: (ms) => this.#upkeep?.journal.measures.load(ms),
      onCrash: (message) => this.#fail(message),
      onTaught: (change, own) => this.#takeTaught(change, own),
      token: tokenOf(this.#options.token),
      shelf: async (request) => shelf?.answer(request),
    });
    if (this.#ended) throw new DisposedError('disposed');
    this.#backend = backend;
    this.#upkeep = new Upkeep(backend, this.#settings, this.#options, every);
    await backend.open();
  }

  #usable(): { backend: Backend; upkeep: Upkeep } {
    if (!this.#backend || !this.#upkeep || this.#ended === 'disposed') {
      throw new DisposedError('this Jicho was disposed: open another one');
    }
    return { backend: this.#backend, upkeep: this.#upkeep };
  }

  /** Hands what pictures show now to the backend. */
  #look<T>(
    sources: PictureSource | readonly PictureSource[],
    { signal }: CallOptions,
    look: (frames: Frame[], ended: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const looked = this.#calls.run(async (ended) => {
      const frames: Frame[] = [];
      try {
        for (const source of picturesOf(sources)) frames.push(await capture(source));
        ended.throwIfAborted();
      } catch (error) {
        frames.forEach(release);
        throw error;
      }
      return look(frames, ended);
    }, signal);
    return this.#counted(looked);
  }

  /** Notes how a call fails. */
  async #counted<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      const asked = error instanceof AbortedError || error instanceof DisposedError;
      if (error instanceof JichoError && !asked) {
        this.#upkeep?.journal.measures.error(error.code);
        this.#upkeep?.noted();
      }
      throw error;
    }
  }

  #take(model: ModelInfo | null): void {
    if (this.#ended) return;
    const { releaseSeq, storedProblem } = this.#release ?? {};
    const other = model?.releaseSeq !== releaseSeq || (model?.storedProblem && model.storedProblem !== storedProblem);
    this.#release = model;
    this.#model = model && this.#teaching.dressed(model);
    const told = this.#model;
    // Apart, so that a listener that throws harms nothing here.
    if (other) queueMicrotask(() => this.#options.onModel?.(told));
  }

  #takeTaught(change: TaughtChange, own: boolean): void {
    if (this.#ended) return;
    this.#teaching.changed(change);
    this.#model = this.#release && this.#teaching.dressed(this.#release);
    if (own) this.#upkeep?.taught();
    const { onTaught } = this.#options;
    if (onTaught) queueMicrotask(() => onTaught(change));
    // Never without a word.
    else for (const { labels, reason } of change.dropped) console.warn(`Jicho dropped lessons (${reason}):`, ...labels);
  }

  #fail(message: string): void {
    this.#take(null);
    this.#ended ??= 'failed';
    this.#upkeep?.journal.measures.error('INTERNAL');
    this.#upkeep?.dispose();
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
    return new WorkerBackend(settings, () => startWorker(own), events);
  }
  // Only here, so that a page with a worker does not load the wasm module's glue as well.
  const { WasmBackend } = await import('../channel/wasm-backend.js');
  return new WasmBackend(settings, events);
}

function picturesOf(sources: PictureSource | readonly PictureSource[]): readonly PictureSource[] {
  if (!Array.isArray(sources)) return [sources as PictureSource];
  if (sources.length === 0 || sources.length > MOST_FRAMES) {
    throw new InvalidArgumentError(`1 to ${MOST_FRAMES} pictures must be given, not ${sources.length}`);
  }
  return sources;
}

/** A random UUID. `crypto.randomUUID` is missing on pages without https. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
