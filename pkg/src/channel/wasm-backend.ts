import type { ChannelDiagnosis, ChannelOptions, Channel as CompiledChannel, Synced } from '../../wasm/jicho.js';
import type { Channel as TractChannel } from '../../wasm/tract/jicho.js';
import {
  AbortedError,
  DisposedError,
  HttpStatusError,
  NetworkError,
  NoModelError,
  UnauthorizedError,
} from '../api/errors.js';
import type { ModelInfo, SyncCause, SyncProgress, SyncResult } from '../api/model.js';
import type { Answer, Quality } from '../api/recognition.js';
import { withLock } from '../browser/lock.js';
import { type Capture, release } from '../capture/capture.js';
import { type Frame, FrameReader } from '../capture/frame-reader.js';
import { Lessons } from '../lessons/lessons.js';
import type { LessonAnswers, LessonRequest, LessonStore, StoredLesson } from '../lessons/requests.js';
import { needsTract, WasmCalls } from '../wasm/calls.js';
import { loadCompiled, loadTract } from '../wasm/modules.js';
import { type Asked, type Backend, type BackendEvents, channelKey, type Settings } from './backend.js';
import { offlineCause, PolicyWatch } from './offline-cause.js';
import { RecentPictures } from './recent-pictures.js';

type Channel = CompiledChannel | TractChannel;
type Report = (loadedBytes: number, totalBytes: number) => void;

/**
 * The channel in this very thread, which may be the page's or a worker's. It lives in the small wasm module until a
 * release comes that only the module with tract can run.
 */
export class WasmBackend implements Backend {
  readonly #settings: Settings;
  readonly #events: BackendEvents;
  /** The small wasm module, if the page has compiled it already. */
  readonly #module: WebAssembly.Module | undefined;
  readonly #reader = new FrameReader();
  readonly #recent = new RecentPictures();
  readonly #lessons: Lessons;
  #products: string[] | null;
  #calls: WasmCalls | undefined;
  #channel: Channel | undefined;
  /** Whether it lives in the module with tract. */
  #inTract = false;
  #disposed = false;
  /** Why the app could not get its token over the network the last time it was asked, if it could not. */
  #noToken: NetworkError | undefined;
  /** Ends with the last call that reads pictures: such calls run one after another. */
  #lastRead: Promise<unknown> = Promise.resolve();
  /** The same of calls that change the channel's model. */
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(settings: Settings, events: BackendEvents, module?: WebAssembly.Module) {
    this.#settings = settings;
    this.#events = events;
    this.#module = module;
    this.#products = settings.products;
    this.#lessons = new Lessons({
      key: channelKey(settings),
      patience: settings.stallSeconds * 1000,
      vault: settings.inVault ? vaultStore(events) : undefined,
      channel: () => this.#opened(),
      call: (call) => this.#call(call),
      read: (capture, signal, use) => this.#read([capture], signal, ([frame]) => use(frame!)),
      recent: (id) => this.#recent.get(id),
      onTaught: (change, own) => events.onTaught(change, own),
    });
  }

  async open(): Promise<void> {
    const wasm = await loadCompiled(this.#settings.wasm, this.#module);
    this.#calls = new WasmCalls(this.#events.onCrash);
    const started = performance.now();
    this.#keep(await this.#openIn(wasm.Channel));
    await this.#loadStored();
    await this.#lessons.open();
    await this.#tellModel(started);
  }

  sync(onProgress: (progress: SyncProgress) => void, signal: AbortSignal): Promise<SyncResult> {
    return this.#change(signal, async () => {
      const policy = new PolicyWatch(this.#settings.models);
      try {
        const synced = await this.#sync(onProgress, signal);
        const isOffline = synced.outcome === 'offline';
        return { ...synced, cause: isOffline ? await offlineCause(this.#settings.models, policy.directive) : null };
      } catch (error) {
        if (!(error instanceof UnauthorizedError && this.#noToken)) throw error;
        const { code, message } = this.#noToken;
        return {
          outcome: 'offline',
          model: await this.#call(() => this.#opened().model()),
          cause: { code, message } satisfies SyncCause,
          expires: null,
          expired: false,
        };
      } finally {
        policy.end();
      }
    });
  }

  refresh(signal: AbortSignal): Promise<void> {
    return this.#change(signal, async () => {
      const started = performance.now();
      if (!(await this.#refresh())) return;
      await this.#lessons.settle();
      await this.#tellModel(started);
    });
  }

  clear(signal: AbortSignal): Promise<void> {
    return this.#change(signal, async () => {
      await this.#lessons.clear();
      await this.#call(() => this.#opened().clear());
      this.#unloaded();
    });
  }

  unload(signal: AbortSignal): Promise<void> {
    return this.#change(signal, async () => {
      await this.#call(() => this.#opened().unload());
      this.#unloaded();
    });
  }

  recognize(captures: Capture[], { id, precision }: Asked, signal: AbortSignal): Promise<Answer> {
    return this.#read(captures, signal, (frames, started) => {
      const { source } = frames.at(-1)!;
      const options = { quality: this.#settings.quality, moment: captures.at(-1)?.moment, precision };
      const recognition = this.#opened().recognize(frames, options);
      const ms = performance.now() - started;
      this.#recent.add(id, frames);
      return { ...recognition, ms, width: source.width, height: source.height };
    });
  }

  lessons<R extends LessonRequest>(request: R, signal: AbortSignal): Promise<LessonAnswers[R['do']]> {
    return this.#lessons.answer(request, signal) as Promise<LessonAnswers[R['do']]>;
  }

  assess(capture: Capture, signal: AbortSignal): Promise<Quality> {
    return this.#read([capture], signal, ([frame]) => this.#opened().assess(frame!, capture.moment));
  }

  async diagnose(): Promise<ChannelDiagnosis> {
    return this.#call(() => this.#opened().diagnose());
  }

  setProducts(products: string[] | null): void {
    this.#products = products;
    if (!this.#calls?.crashed) this.#channel?.setProducts(products);
  }

  dispose(): void {
    this.#disposed = true;
    this.#free(this.#channel);
    this.#channel = undefined;
    this.#calls?.dispose();
  }

  /** Runs `change` after all changes that were asked for before, and while no other tab changes what is stored of the channel. */
  #change<T>(signal: AbortSignal, change: () => Promise<T>): Promise<T> {
    const patience = this.#settings.stallSeconds * 1000;
    const changed = this.#lastChange.then(() =>
      withLock(channelKey(this.#settings), { signal, patience }, () => {
        if (signal.aborted) throw new AbortedError('aborted by the caller');
        return change();
      }),
    );
    // Its caller hears how it ends.
    this.#lastChange = changed.catch(() => undefined);
    return changed;
  }

  #unloaded(): void {
    this.#recent.clear();
    this.#lessons.unloaded();
    this.#events.onModel(null);
  }

  async #sync(onProgress: (progress: SyncProgress) => void, signal: AbortSignal): Promise<Omit<SyncResult, 'cause'>> {
    let arrived: number | undefined;
    const report: Report = (loadedBytes, totalBytes) => {
      if (loadedBytes === totalBytes) arrived = performance.now();
      onProgress({ loadedBytes, totalBytes });
    };
    const onLoaded = (model: ModelInfo): void => {
      if (arrived !== undefined) this.#events.onLoad(performance.now() - arrived);
      this.#events.onModel(model);
    };
    let result: Synced;
    try {
      result = await this.#call(() => this.#opened().sync(report, onLoaded, signal));
      if (result.outcome === 'updated') await this.#leaveTract();
    } catch (thrown) {
      if (!needsTract(thrown)) throw thrown;
      result = await this.#syncInTract(report, signal);
    }
    // A stored model may have waited for its wasm module.
    if (!result.model) {
      await this.#loadStored();
      result = { ...result, model: this.#opened().model() };
    }
    await this.#lessons.settle();
    this.#events.onModel(result.model);
    return result;
  }

  /** Loads the stored model if it is another one than answers now. Returns whether it was. */
  async #refresh(): Promise<boolean> {
    try {
      return await this.#call(() => this.#opened().refresh());
    } catch (thrown) {
      if (!needsTract(thrown)) throw thrown;
      this.#keep(await this.#openInTract(), true);
      return true;
    }
  }

  /** Does so if no model answers. If the wasm module that it needs cannot be downloaded now, the next sync retries. */
  async #loadStored(): Promise<void> {
    if (this.#opened().model()) return;
    try {
      await this.#refresh();
    } catch (error) {
      if (!(error instanceof NetworkError || error instanceof HttpStatusError)) throw error;
    }
  }

  /** Moves the channel back to the small module, which is much faster, if that can run the model. */
  async #leaveTract(): Promise<void> {
    if (!this.#inTract) return;
    const channel = await this.#openIn((await loadCompiled(this.#settings.wasm)).Channel);
    if (channel.model()?.version === this.#opened().model()?.version) this.#keep(channel);
    else this.#free(channel);
  }

  /** Opens the channel a second time, in the module with tract. The old one answers until that has the new model. */
  async #syncInTract(report: Report, signal: AbortSignal): Promise<Synced> {
    const channel = await this.#openInTract();
    let result: Synced;
    try {
      // Nothing is reported yet, because it does not answer for the channel so far.
      result = await this.#call(() => channel.sync(report, () => undefined, signal));
    } catch (error) {
      this.#free(channel);
      throw error;
    }
    const old = this.#opened().model();
    // The release may have been stored by another tab.
    if (result.model && result.model.version !== old?.version) {
      this.#keep(channel, true);
      return { ...result, outcome: 'updated' };
    }
    this.#free(channel);
    return { ...result, model: old };
  }

  async #openInTract(): Promise<Channel> {
    return this.#openIn((await loadTract(this.#settings.wasm)).Channel);
  }

  #openIn(module: typeof CompiledChannel | typeof TractChannel): Promise<Channel> {
    const { models, channel, keys, threshold, stallSeconds, hasToken } = this.#settings;
    const options: ChannelOptions = {
      products: this.#products,
      ...(keys && { keys }),
      ...(threshold !== undefined && { threshold }),
      stallSeconds,
      ...(hasToken && { token: (refresh: boolean) => this.#token(refresh) }),
    };
    return this.#call<Channel>(() => module.open(models, channel, options));
  }

  async #token(refresh: boolean): Promise<string | null> {
    this.#noToken = undefined;
    try {
      return await this.#events.token(refresh);
    } catch (error) {
      if (error instanceof NetworkError) this.#noToken = error;
      throw error;
    }
  }

  async #tellModel(started: number): Promise<void> {
    const model = await this.#call(() => this.#opened().model());
    if (model) this.#events.onLoad(performance.now() - started);
    this.#events.onModel(model);
  }

  /** Reads captures one call after another, so that the pixels of one call at a time are in memory, and hands them to `use`. */
  #read<T>(captures: Capture[], signal: AbortSignal, use: (frames: Frame[], started: number) => T): Promise<T> {
    const used = this.#lastRead.then(async () => {
      try {
        if (signal.aborted) throw new AbortedError('aborted by the caller');
        const started = performance.now();
        const frames: Frame[] = [];
        for (const capture of captures) frames.push(await this.#reader.read(capture));
        return await this.#call(() => use(frames, started));
      } finally {
        captures.forEach(release);
      }
    });
    this.#lastRead = used.catch(() => undefined);
    return used;
  }

  #call<T>(call: () => T | Promise<T>): Promise<T> {
    if (!this.#calls) throw new NoModelError('the channel is not open');
    return this.#calls.call(call);
  }

  #opened(): Channel {
    if (!this.#channel) throw new NoModelError('the channel is not open');
    return this.#channel;
  }

  /** Makes this channel the one that answers. The app may have set its products after this channel was opened. */
  #keep(channel: Channel, inTract = false): void {
    if (this.#disposed) {
      this.#free(channel);
      throw new DisposedError('disposed');
    }
    channel.setProducts(this.#products);
    this.#free(this.#channel);
    this.#channel = channel;
    this.#inTract = inTract;
  }

  #free(channel: Channel | undefined): void {
    // After a crash nothing of the module may be called.
    if (!this.#calls?.crashed) channel?.free();
  }
}

/** The vault, which lives in the page. */
function vaultStore({ lessonStore }: BackendEvents): LessonStore {
  return {
    all: () => lessonStore({ do: 'all' }) as Promise<StoredLesson[]>,
    write: (lessons, deleted) => lessonStore({ do: 'write', lessons, deleted }) as Promise<void>,
  };
}
