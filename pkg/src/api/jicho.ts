import { type Capture, captureAll, release } from '../capture/capture.js';
import { sideNeeded } from '../capture/part.js';
import { type Backend, type BackendEvents, channelKey, type Settings } from '../channel/backend.js';
import { Backlog } from '../channel/backlog.js';
import { Calls } from '../channel/calls.js';
import {
  callbackOf,
  checkInterval,
  precisionOf,
  productsOf,
  settingsOf,
  signalOf,
  tokenOf,
} from '../channel/options.js';
import { WorkerBackend } from '../channel/worker-backend.js';
import { labelOf, lessonHead, Teaching } from '../lessons/teaching.js';
import { collectDiagnostics } from '../upkeep/collect-diagnostics.js';
import { Upkeep } from '../upkeep/upkeep.js';
import { VaultLessonStore } from '../vault/lesson-store.js';
import { fpsOf, watch } from '../watch/watch.js';
import { startWorker } from '../worker/channel-worker.js';
import { loadPart } from '../worker/start.js';
import type { Diagnostics } from './diagnostics.js';
import { AbortedError, DisposedError, InternalError, InvalidArgumentError, JichoError } from './errors.js';
import type { Enrolled, ImportedLessons, TaughtChange, TaughtProduct } from './lessons.js';
import type { JichoState, ModelInfo, SyncResult } from './model.js';
import type {
  CallOptions,
  EnrollOptions,
  OpenOptions,
  RecognizeOptions,
  SyncOptions,
  WatchOptions,
} from './options.js';
import { isObject, wrongReceiver } from './receiver.js';
import type { Quality, Recognition, WatchAnswer } from './recognition.js';
import type { ImageSource } from './source.js';

/** Most pictures in one call, as in one lesson. */
const MOST_FRAMES = 32;

/** An open channel: keeps its model up to date, and recognises with it. */
export class Jicho {
  /** Vue must not make a proxy of it, through which its private fields cannot be reached. */
  readonly __v_skip = true;
  readonly #calls = new Calls();
  readonly #backlog = new Backlog();
  readonly #options: OpenOptions;
  readonly #settings: Settings;
  #backend: Backend | undefined;
  #upkeep: Upkeep | undefined;
  readonly #teaching = new Teaching();
  /** The model as the release describes it. `#model` has the facts of what was taught, too. */
  #release: ModelInfo | null = null;
  #model: ModelInfo | null = null;
  #ended: 'failed' | 'disposed' | undefined;
  /** Rises with everything that may change the answer to the same picture. */
  #epoch = 0;

  private constructor(options: OpenOptions, settings: Settings) {
    if (!settings) throw new InvalidArgumentError('a channel is opened by "await Jicho.open(…)", not by "new Jicho()"');
    this.#options = options;
    this.#settings = settings;
  }

  /**
   * Opens a channel with the model that the device has stored, if any. From then on it checks for newer models by itself
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

  /** The model that answers now, or null. */
  get model(): ModelInfo | null {
    return Jicho.#of(this).#model;
  }

  /** Whether it can recognise, and if not, why. */
  get state(): JichoState {
    const jicho = Jicho.#of(this);
    return jicho.#ended ?? (jicho.#model ? 'ready' : 'absent');
  }

  /**
   * Checks for a newer model, downloads it and switches to it. The old one answers meanwhile, and stays if anything is
   * wrong with the new one. A call during an automatic check gets that check's result; other overlapping calls run one
   * after another.
   *
   * @throws {@link JichoError} What is wrong with the release or its host; `ABORTED`.
   */
  async sync(options: SyncOptions = {}): Promise<SyncResult> {
    const { upkeep } = Jicho.#usable(this);
    const signal = signalOf(options);
    const onProgress = callbackOf('onProgress', options.onProgress);
    return this.#calls.run((ended) => upkeep.sync((progress) => onProgress?.(progress), ended), signal);
  }

  /**
   * Recognises what a source shows at this call; several sources that show the same thing are answered together, which is
   * surer. Overlapping calls are answered one after another. Await each before the next frame of a video, or they pile up
   * until one is refused with `BUSY`.
   *
   * @throws {@link JichoError} `NO_MODEL`, `INVALID_FRAME`, `INVALID_ARGUMENT`, `BUSY`, `ABORTED`, `DISPOSED`, `INTERNAL`.
   */
  async recognize(source: ImageSource | readonly ImageSource[], options: RecognizeOptions = {}): Promise<Recognition> {
    const { backend, upkeep } = Jicho.#usable(this);
    const precision = precisionOf(options);
    const id = newId();
    const answer = await this.#withCaptures(source, options, (captures, ended) =>
      backend.recognize(captures, { id, precision }, ended),
    );
    const recognition = { id, ...answer };
    this.#teaching.answered(recognition);
    upkeep.journal.measures.inference(answer.ms, answer.predictions[0]?.confidence);
    upkeep.noted();
    return recognition;
  }

  /**
   * Recognises a video continuously: `for await (const answer of eye.watch(video))`. The newest frame is always the next to be
   * recognised; frames that come meanwhile are skipped. An answer is told once two of the last three frames agree, or as
   * `unsure` when they do not. While nothing changes in the picture, nothing is recognised and nothing is told, and while the
   * page is hidden neither. The loop ends when `signal` aborts, when the caller leaves it, and with `DISPOSED`.
   *
   * A frame that cannot be recognised is passed over: a video that has no picture yet, a worker that is being replaced.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`, `NO_MODEL`, `DISPOSED`, `UNSUPPORTED`.
   */
  watch(video: HTMLVideoElement, options: WatchOptions = {}): AsyncGenerator<WatchAnswer, void, undefined> {
    Jicho.#usable(this);
    const signal = signalOf(options) ?? new AbortController().signal;
    if (!(video instanceof HTMLVideoElement)) throw new InvalidArgumentError('only a video element can be watched');
    const watched = {
      recognize: (source: HTMLVideoElement, ended: AbortSignal) => this.recognize(source, { signal: ended }),
      epoch: () => this.#epoch,
    };
    return watch(watched, video, fpsOf(options.fps), signal);
  }

  /**
   * Teaches a product on this device by the frames given, best about five from different sides: it is recognised from the
   * next call on. A product that is known already is refined. Frames that show nothing are left out, as the answer tells.
   * When this fails, nothing was stored. docs/teaching.md tells what is stored where, and how much can be.
   *
   * @throws {@link JichoError} `NO_MODEL`, `NOT_TEACHABLE`, `INVALID_FRAME` (none shows anything, or one cannot be read),
   * `INVALID_ARGUMENT`, `INVALID_LESSON` (id or facts too long), `LESSON_LIMIT`, `STORAGE`, `UNSUPPORTED`, `ABORTED`,
   * `DISPOSED`, `INTERNAL`; those of a vault.
   */
  async enroll(
    label: string,
    frames: ImageSource | readonly ImageSource[],
    options: EnrollOptions = {},
  ): Promise<Enrolled> {
    const { backend } = Jicho.#usable(this);
    signalOf(options);
    const head = lessonHead(newId(), label, options);
    return this.#withCaptures(frames, options, (captures, ended) =>
      this.#teaching.enroll(backend, head, captures, ended),
    );
  }

  /**
   * Says what a recognition really showed: the product's id, or null for none of the products. If the answer was wrong, the
   * pictures are taught as that product. Pictures of about the last 32 recognitions are kept for this. A second correction
   * of a recognition replaces the first.
   *
   * @throws {@link JichoError} `RECOGNITION_GONE`, and as {@link Jicho.enroll}.
   */
  async correct(recognition: Recognition | string, label: string | null, options: CallOptions = {}): Promise<void> {
    const { backend, upkeep } = Jicho.#usable(this);
    const { measures } = upkeep.journal;
    const correct = (ended: AbortSignal): Promise<void> =>
      this.#teaching.correct(backend, recognition, label, measures, ended);
    await this.#counted(this.#calls.run(correct, signalOf(options)));
    upkeep.noted();
  }

  /**
   * Deletes everything that was taught of a product; null stands for pictures of none of the products. Resolves to whether
   * there was anything.
   *
   * @throws {@link JichoError} `STORAGE`, `INVALID_ARGUMENT`, `ABORTED`, `DISPOSED`, `INTERNAL`; those of a vault.
   */
  async forget(label: string | null, options: CallOptions = {}): Promise<boolean> {
    const { backend } = Jicho.#usable(this);
    const request = { do: 'forget', label: labelOf(label) } as const;
    return this.#counted(this.#calls.run((ended) => backend.lessons(request, ended), signalOf(options)));
  }

  /** Everything that is taught on this device. */
  taught(): TaughtProduct[] {
    return Jicho.#of(this).#teaching.taught;
  }

  /**
   * Exports all lessons with their pictures as a file of JSON lines, unencrypted. `jicho train --lessons` and
   * {@link Jicho.importLessons} on another device read it.
   *
   * @throws {@link JichoError} `STORAGE`, `ABORTED`, `DISPOSED`, `INTERNAL`; those of a vault.
   */
  async exportLessons(options: CallOptions = {}): Promise<Blob> {
    const { backend } = Jicho.#usable(this);
    return this.#counted(this.#calls.run((ended) => backend.lessons({ do: 'export' }, ended), signalOf(options)));
  }

  /**
   * Adds the lessons that another device exported: all of them, or none. Lessons that are already stored stay as they are.
   *
   * @throws {@link JichoError} `INVALID_LESSON`, and as {@link Jicho.enroll}.
   */
  async importLessons(file: Blob, options: CallOptions = {}): Promise<ImportedLessons> {
    const { backend } = Jicho.#usable(this);
    if (!(file instanceof Blob)) throw new InvalidArgumentError('lessons are imported from a Blob');
    return this.#counted(this.#calls.run((ended) => backend.lessons({ do: 'import', file }, ended), signalOf(options)));
  }

  /**
   * Measures how usable a picture is. Needs no model. Waits for recognitions that were called before.
   *
   * @throws {@link JichoError} `INVALID_FRAME`, `INVALID_ARGUMENT`, `ABORTED`, `DISPOSED`, `INTERNAL`.
   */
  async assess(source: ImageSource, options: CallOptions = {}): Promise<Quality> {
    const { backend } = Jicho.#usable(this);
    return this.#withCaptures([source], options, ([capture], ended) => backend.assess(capture!, ended));
  }

  /**
   * Says which products the app knows, by id. From the next recognition on all others are marked in answers
   * (`known: false`) and never come first. With null the app knows every product of the release.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`, `DISPOSED`.
   */
  setProducts(ids: readonly string[] | null): void {
    Jicho.#usable(this).backend.setProducts(productsOf(ids));
    this.#epoch += 1;
  }

  /**
   * Removes everything that the device has stored of the channel (model, lessons, diagnostics), in all tabs. The channel
   * stays open without a model and without automatic checks until {@link sync} is called. An abort ends the wait for
   * another tab that is busy with the channel; the automatic checks are paused all the same.
   *
   * @throws {@link JichoError} `STORAGE`, `ABORTED`, `DISPOSED`, `INTERNAL`.
   */
  async clear(options: CallOptions = {}): Promise<void> {
    const { upkeep } = Jicho.#usable(this);
    await this.#counted(this.#calls.run((ended) => upkeep.clear(ended), signalOf(options)));
  }

  /**
   * Describes the state of the channel on this device for support, as one plain object that can be sent as JSON. It
   * contains no secrets, and nothing that was recognised.
   *
   * @throws {@link JichoError} `ABORTED`, `DISPOSED`.
   */
  async diagnose(options: CallOptions = {}): Promise<Diagnostics> {
    const { backend, upkeep } = Jicho.#usable(this);
    return this.#calls.run(async (ended) => {
      const channel = await backend.diagnose(ended).catch(() => null);
      const { state, model } = this;
      const { journal, every, nextCheckAt } = upkeep;
      const thread = this.#options.worker === false ? 'page' : 'worker';
      const page = { settings: this.#settings, state, model, journal, thread, every, nextCheckAt } as const;
      return collectDiagnostics(page, channel);
    }, signalOf(options));
  }

  /** Restarts the measures of {@link diagnose}: times, confidences, errors. */
  resetDiagnostics(): void {
    Jicho.#usable(this).upkeep.reset();
  }

  /** Ends the worker and frees the model. Every waiting call rejects with `DISPOSED`. Stored data stays. */
  dispose(): void {
    if (Jicho.#of(this).#ended === 'disposed') return;
    this.#ended = 'disposed';
    // So that a watch that idles goes on to the call that fails.
    this.#epoch += 1;
    this.#release = this.#model = null;
    this.#calls.stop(new DisposedError('disposed while the call was waiting'));
    this.#upkeep?.dispose();
    this.#backend?.dispose();
  }

  async #open(every: number): Promise<void> {
    const { vault } = this.#options;
    const lessonStore = vault && new VaultLessonStore(vault, channelKey(this.#settings));
    const backend = await makeBackend(this.#settings, this.#options.worker ?? true, {
      onModel: (model) => this.#take(model),
      onLoad: (ms) => this.#upkeep?.journal.measures.load(ms),
      onCrash: (message) => this.#fail(message),
      onTaught: (change, own) => this.#takeTaught(change, own),
      token: tokenOf(this.#options.token, this.#settings.stallSeconds * 1000),
      lessonStore: async (request) => lessonStore?.answer(request),
    });
    if (this.#ended) throw new DisposedError('disposed');
    this.#backend = backend;
    this.#upkeep = new Upkeep(backend, this.#settings, this.#options, every);
    await backend.open();
  }

  static #of(jicho: Jicho): Jicho {
    if (isObject(jicho) && #ended in jicho) return jicho;
    throw wrongReceiver('Jicho');
  }

  static #usable(jicho: Jicho): { backend: Backend; upkeep: Upkeep } {
    const backend = Jicho.#of(jicho).#backend;
    const upkeep = jicho.#upkeep;
    if (!backend || !upkeep || jicho.#ended === 'disposed') {
      throw new DisposedError('this Jicho was disposed: open another one');
    }
    return { backend, upkeep };
  }

  /** Captures what sources show at this call, and hands the captures to the backend. */
  #withCaptures<T>(
    sources: ImageSource | readonly ImageSource[],
    options: CallOptions,
    use: (captures: Capture[], ended: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const side = sideNeeded(this.#model?.imageSize);
    const used = this.#calls.run(
      (ended) =>
        this.#backlog.run(async (reserve) => {
          const captures = await captureAll(sourcesOf(sources), side, reserve);
          if (!ended.aborted) return use(captures, ended);
          captures.forEach(release);
          throw new AbortedError('aborted by the caller');
        }),
      signalOf(options),
    );
    return this.#counted(used);
  }

  /** Counts the failure of a call in the measures. */
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
    this.#epoch += 1;
    const { releaseSeq, storedProblem } = this.#release ?? {};
    const other = model?.releaseSeq !== releaseSeq || (model?.storedProblem && model.storedProblem !== storedProblem);
    this.#release = model;
    this.#model = model && this.#teaching.withTaughtFacts(model);
    const told = this.#model;
    // In a task of its own, so that an exception in the listener does not end this one.
    if (other) queueMicrotask(() => this.#options.onModel?.(told));
  }

  #takeTaught(change: TaughtChange, own: boolean): void {
    if (this.#ended) return;
    this.#epoch += 1;
    this.#teaching.changed(change);
    this.#model = this.#release && this.#teaching.withTaughtFacts(this.#release);
    if (own) this.#upkeep?.taught();
    const { onTaught } = this.#options;
    if (onTaught) queueMicrotask(() => onTaught(change));
    // Lessons are never dropped silently.
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
  // Loaded on demand, so that a page with a worker does not load the module's JavaScript as well.
  const { WasmBackend } = await loadPart(() => import('../channel/wasm-backend.js'));
  return new WasmBackend(settings, events);
}

function sourcesOf(sources: ImageSource | readonly ImageSource[]): readonly ImageSource[] {
  if (!Array.isArray(sources)) return [sources as ImageSource];
  if (sources.length === 0 || sources.length > MOST_FRAMES) {
    throw new InvalidArgumentError(`1 to ${MOST_FRAMES} pictures must be given, not ${sources.length}`);
  }
  return sources;
}

/** A random UUID. Pages without https have no `crypto.randomUUID`. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
