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
import type { Kept, LessonAnswers, LessonRequest, Shelf } from '../api/lesson-types.js';
import type { Answer, ModelInfo, Quality, SyncProgress, SyncResult } from '../api/types.js';
import { exclusive } from '../browser/lock.js';
import { type Frame, release } from '../capture/capture.js';
import { PixelReader, type Pixels } from '../capture/frame-reader.js';
import { Lessons } from '../lessons/lessons.js';
import { needsTract, WasmCalls } from '../wasm/calls.js';
import { loadCompiled, loadTract } from '../wasm/modules.js';
import { type Backend, type BackendEvents, channelKey, type Settings } from './backend.js';
import { Recent } from './recent-pictures.js';

type Channel = CompiledChannel | TractChannel;
type Report = (loadedBytes: number, totalBytes: number) => void;

/**
 * The channel in this very thread, be it the page's or a worker's. It lives in the small wasm module until a release
 * comes that only the one with tract runs.
 */
export class WasmBackend implements Backend {
  readonly #settings: Settings;
  readonly #events: BackendEvents;
  /** The small wasm module, where it was compiled ahead. */
  readonly #module: WebAssembly.Module | undefined;
  readonly #reader = new PixelReader();
  readonly #recent = new Recent();
  readonly #lessons: Lessons;
  #products: string[] | null;
  #calls: WasmCalls | undefined;
  #channel: Channel | undefined;
  /** Whether it lives in the module with tract. */
  #inTract = false;
  #disposed = false;
  /** Whether the app had no network to get its token over, the last time it was asked. */
  #unreachable = false;
  /** The last picture that was asked for; the next one waits for it. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The same of what changes the channel's model. */
  #changeTurn: Promise<unknown> = Promise.resolve();

  constructor(settings: Settings, events: BackendEvents, module?: WebAssembly.Module) {
    this.#settings = settings;
    this.#events = events;
    this.#module = module;
    this.#products = settings.products;
    this.#lessons = new Lessons({
      key: channelKey(settings),
      sealed: settings.sealed ? shelfOf(events) : undefined,
      channel: () => this.#opened(),
      call: (call) => this.#call(call),
      see: (frame, signal, look) => this.#look([frame], signal, ([pixels]) => look(pixels!)),
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
      try {
        return await this.#sync(onProgress, signal);
      } catch (error) {
        if (!(error instanceof UnauthorizedError && this.#unreachable)) throw error;
        return { outcome: 'offline', model: await this.#call(() => this.#opened().model()) };
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
      this.#forgotten();
    });
  }

  forget(signal: AbortSignal): Promise<void> {
    return this.#change(signal, async () => {
      await this.#call(() => this.#opened().forget());
      this.#forgotten();
    });
  }

  recognize(frames: Frame[], id: string, signal: AbortSignal): Promise<Answer> {
    return this.#look(frames, signal, (pictures, started) => {
      const moment = frames.at(-1)?.moment;
      const { rgba, width, height } = pictures.at(-1)!;
      const beside = pictures.length > 1 ? pictures.slice(0, -1) : undefined;
      const { quality } = this.#settings;
      const recognition = this.#opened().recognize(rgba, width, height, quality, moment?.video, moment?.at, beside);
      const ms = performance.now() - started;
      this.#recent.add(id, pictures);
      return { ...recognition, ms, width, height };
    });
  }

  lessons<R extends LessonRequest>(request: R, signal: AbortSignal): Promise<LessonAnswers[R['do']]> {
    return this.#lessons.answer(request, signal) as Promise<LessonAnswers[R['do']]>;
  }

  assess(frame: Frame, signal: AbortSignal): Promise<Quality> {
    return this.#look([frame], signal, ([pixels]) => {
      const { rgba, width, height } = pixels!;
      return this.#opened().assess(rgba, width, height, frame.moment?.video, frame.moment?.at);
    });
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

  /** Runs `change` after all that was asked before, and while no other tab changes what is stored of the channel. */
  #change<T>(signal: AbortSignal, change: () => Promise<T>): Promise<T> {
    const changed = this.#changeTurn.then(() =>
      exclusive(channelKey(this.#settings), signal, () => {
        if (signal.aborted) throw new AbortedError('aborted by the caller');
        return change();
      }),
    );
    // How it ends is its caller's business.
    this.#changeTurn = changed.catch(() => undefined);
    return changed;
  }

  #forgotten(): void {
    this.#recent.clear();
    this.#lessons.forgotten();
    this.#events.onModel(null);
  }

  async #sync(onProgress: (progress: SyncProgress) => void, signal: AbortSignal): Promise<SyncResult> {
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
    // What is stored may have lacked its module so far.
    if (!result.model) {
      await this.#loadStored();
      result = { ...result, model: this.#opened().model() };
    }
    await this.#lessons.settle();
    this.#events.onModel(result.model);
    return result;
  }

  /** Has the model in the store answer, where it is another one. Whether it does. */
  async #refresh(): Promise<boolean> {
    try {
      return await this.#call(() => this.#opened().refresh());
    } catch (thrown) {
      if (!needsTract(thrown)) throw thrown;
      this.#keep(await this.#openInTract(), true);
      return true;
    }
  }

  /** The same where none answers. Without the module that it needs there is none, until a sync can fetch it. */
  async #loadStored(): Promise<void> {
    if (this.#opened().model()) return;
    try {
      await this.#refresh();
    } catch (error) {
      if (!(error instanceof NetworkError || error instanceof HttpStatusError)) throw error;
    }
  }

  /** The small module is much the faster one, and takes over what it can run. */
  async #leaveTract(): Promise<void> {
    if (!this.#inTract) return;
    const channel = await this.#openIn((await loadCompiled(this.#settings.wasm)).Channel);
    if (channel.model()?.version === this.#opened().model()?.version) this.#keep(channel);
    else this.#free(channel);
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
    const old = this.#opened().model();
    // It may have found in the store what another tab has put there.
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
    const { models, channel, keys, stallSeconds, hasToken } = this.#settings;
    const options: ChannelOptions = {
      products: this.#products,
      ...(keys && { keys }),
      ...(stallSeconds !== undefined && { stallSeconds }),
      ...(hasToken && { token: (refresh: boolean) => this.#token(refresh) }),
    };
    return this.#call<Channel>(() => module.open(models, channel, options));
  }

  async #token(refresh: boolean): Promise<string | null> {
    this.#unreachable = false;
    try {
      return await this.#events.token(refresh);
    } catch (error) {
      this.#unreachable = error instanceof NetworkError;
      throw error;
    }
  }

  async #tellModel(started: number): Promise<void> {
    const model = await this.#call(() => this.#opened().model());
    if (model) this.#events.onLoad(performance.now() - started);
    this.#events.onModel(model);
  }

  /** Reads frames when it is their turn, and looks at their pixels. */
  #look<T>(frames: Frame[], signal: AbortSignal, look: (pixels: Pixels[], started: number) => T): Promise<T> {
    const looked = this.#turn.then(async () => {
      try {
        if (signal.aborted) throw new AbortedError('aborted by the caller');
        const started = performance.now();
        const pixels: Pixels[] = [];
        for (const frame of frames) pixels.push(await this.#reader.read(frame));
        return await this.#call(() => look(pixels, started));
      } finally {
        frames.forEach(release);
      }
    });
    this.#turn = looked.catch(() => undefined);
    return looked;
  }

  #call<T>(call: () => T | Promise<T>): Promise<T> {
    if (!this.#calls) throw new NoModelError('the channel is not open');
    return this.#calls.call(call);
  }

  #opened(): Channel {
    if (!this.#channel) throw new NoModelError('the channel is not open');
    return this.#channel;
  }

  /** It may have been opened before the app said which products it knows. */
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
    // After a defect nothing of the module may be called.
    if (!this.#calls?.crashed) channel?.free();
  }
}

/** A vault in the page. */
function shelfOf({ shelf }: BackendEvents): Shelf {
  return {
    all: () => shelf({ do: 'all' }) as Promise<Kept[]>,
    keep: (lessons, gone) => shelf({ do: 'keep', lessons, gone }) as Promise<void>,
  };
}
