import type { Channel as CompiledChannel, Lesson, LessonFrame } from '../../wasm/jicho.js';
import type { Channel as TractChannel } from '../../wasm/tract/jicho.js';
import {
  AbortedError,
  InvalidFrameError,
  InvalidLessonError,
  JichoError,
  NoModelError,
  RecognitionGoneError,
} from '../api/errors.js';
import type { DroppedLessons, EnrolledFrame, ImportedLessons, TaughtChange } from '../api/lessons.js';
import { withLock } from '../browser/lock.js';
import { type Capture, release } from '../capture/capture.js';
import type { Frame } from '../capture/frame-reader.js';
import { jpegOf } from '../capture/jpeg.js';
import { sideNeeded } from '../capture/part.js';
import { DeviceLessonStore } from './device-store.js';
import { lessonsOf } from './export-rows.js';
import type { LessonAnswers, LessonHead, LessonRequest, LessonStore, StoredLesson } from './requests.js';
import { taughtProducts } from './taught-products.js';

type Channel = CompiledChannel | TractChannel;
/** What a lesson keeps of a frame. */
type TaughtFrame = { features: Uint8Array; jpeg: Uint8Array };

/** What lessons need of the channel's thread. */
export interface LessonHost {
  /** The name of the channel on this device. */
  readonly key: string;
  /** Milliseconds after which a silent tab that holds the lessons' lock is taken to be frozen. */
  readonly patience: number;
  /** The vault's store, if lessons are kept in a vault. */
  readonly vault: LessonStore | undefined;
  /** The channel that answers now. */
  channel(): Channel;
  /** Calls into the wasm module. */
  call<T>(call: () => T | Promise<T>): Promise<T>;
  /** Reads and frees a capture when it is its turn, and hands its pixels to `use`. */
  read<T>(capture: Capture, signal: AbortSignal, use: (frame: Frame) => T): Promise<T>;
  /** The frames of a recognition, if they are still in memory. */
  recent(id: string): Frame[] | undefined;
  /** `own`: whether this thread has changed what is stored, so that other tabs must be told. */
  onTaught(change: TaughtChange, own: boolean): void;
}

/** What was taught: stored on the device, and loaded into the wasm module. Changes run one after another, across all tabs. */
export class Lessons {
  readonly #host: LessonHost;
  readonly #device: LessonStore;
  #lastChange: Promise<unknown> = Promise.resolve();
  /** The channel that the stored lessons were loaded into. */
  #loadedInto: Channel | undefined;

  constructor(host: LessonHost) {
    this.#host = host;
    this.#device = new DeviceLessonStore(host);
  }

  /** Loads what is stored. Lessons that were stored in the clear before there was a vault are moved into it. */
  async open(): Promise<void> {
    const { vault } = this.#host;
    await this.#change(NEVER, async () => {
      const clear = vault ? await this.#device.all() : [];
      if (vault && clear.length > 0) {
        await vault.write(clear, []);
        await this.#device.write(
          [],
          clear.map(([id]) => id),
        );
      }
      await this.#reload();
    });
    void this.#refreshStale();
  }

  /** Call this when the channel may have another model. Resolves once the lessons are loaded into it. */
  async settle(): Promise<void> {
    if (this.#loadedInto !== this.#host.channel()) await this.#change(NEVER, () => this.#reload());
    else if (this.#lessons().length > 0) this.#tell([], false);
    void this.#refreshStale();
  }

  /** Deletes all lessons. */
  async clear(): Promise<void> {
    const kept = await this.#store.all();
    await this.#store.write(
      [],
      kept.map(([id]) => id),
    );
  }

  /** The channel has unloaded them by itself. */
  unloaded(): void {
    this.#host.onTaught({ taught: [], dropped: [] }, false);
  }

  /** Takes over the captures of a request, and frees them. */
  async answer(request: LessonRequest, signal: AbortSignal): Promise<LessonAnswers[LessonRequest['do']]> {
    try {
      return await this.#answer(request, signal);
    } finally {
      if (request.do === 'enroll') request.captures.forEach(release);
    }
  }

  async #answer(request: LessonRequest, signal: AbortSignal): Promise<LessonAnswers[LessonRequest['do']]> {
    switch (request.do) {
      case 'enroll':
        return this.#change(signal, () => this.#enroll(request.head, request.captures, signal));
      case 'correct':
        return this.#change(signal, () => this.#correct(request.head, signal));
      case 'forget':
        return this.#change(signal, () => this.#deleteProduct(request.label));
      case 'export':
        return this.#change(signal, () => this.#export());
      case 'import':
        return this.#change(signal, async () => this.#import(await request.file.text(), signal));
      case 'reload':
        await this.#change(signal, () => this.#reload());
        void this.#refreshStale();
        return undefined;
    }
  }

  get #store(): LessonStore {
    return this.#host.vault ?? this.#device;
  }

  async #enroll(head: LessonHead, captures: Capture[], signal: AbortSignal): Promise<EnrolledFrame[]> {
    const looks: LessonFrame[] = [];
    const model = this.#model();
    for (const capture of captures) looks.push(await this.#lessonFrame(capture, signal));
    const answer = looks.map(({ usable, quality }) => ({ used: usable, quality }));
    const usable = looks.filter(({ usable }) => usable);
    if (usable.length === 0) {
      const message = 'none of the frames shows anything to learn from: they are black, or without any contrast';
      throw new InvalidFrameError(message);
    }
    await this.#teach(head, false, await taughtFrames(usable), model, signal);
    return answer;
  }

  async #correct(head: LessonHead, signal: AbortSignal): Promise<undefined> {
    const pictures = this.#host.recent(head.id);
    if (!pictures) {
      throw new RecognitionGoneError(
        'the picture of this recognition is gone: correct one of the last few, or show it again',
      );
    }
    const model = this.#model();
    const looks = [];
    for (const frame of pictures)
      looks.push(await this.#lessonFrame({ kind: 'pixels', ...frame, side: sideNeeded() }, signal));
    await this.#teach(head, true, await taughtFrames(looks), model, signal);
    return undefined;
  }

  async #deleteProduct(label: string | null): Promise<boolean> {
    const gone = this.#lessons()
      .filter((lesson) => lesson.label === label)
      .map(({ id }) => id);
    if (gone.length === 0) return false;
    await this.#store.write([], gone);
    for (const id of gone) this.#host.channel().unlearn(id);
    this.#tell([], true);
    return true;
  }

  async #export(): Promise<Blob> {
    const rows: string[] = [];
    const times = new Map(this.#lessons().map(({ id, time }) => [id, time]));
    const inTime = ([a]: StoredLesson, [b]: StoredLesson): number => (times.get(a) ?? 0) - (times.get(b) ?? 0);
    for (const [, file] of (await this.#store.all()).sort(inTime)) {
      try {
        rows.push(await this.#host.call(() => this.#type().lessonRows(file)));
      } catch (error) {
        if (!isUnread(error)) throw error;
      }
    }
    return new Blob(rows, { type: 'application/jsonl' });
  }

  async #import(text: string, signal: AbortSignal): Promise<ImportedLessons> {
    const lessons = lessonsOf(text);
    const here = new Set(this.#lessons().map(({ id }) => id));
    const fresh = lessons.filter(({ head }) => !here.has(head.id));
    const files: StoredLesson[] = [];
    try {
      for (const { head, correction, jpegs } of fresh) {
        const file = await this.#written(head, correction, await this.#featuresOf(jpegs, signal));
        // Loaded at once, so that it counts for the limits of the next one.
        await this.#host.call(() => this.#host.channel().learn(file));
        files.push([head.id, file]);
      }
      if (signal.aborted) throw new AbortedError('aborted by the caller');
      await this.#store.write(files, []);
    } catch (error) {
      for (const [id] of files) this.#host.channel().unlearn(id);
      throw error instanceof InvalidFrameError
        ? new InvalidLessonError(`a picture cannot be decoded: ${error.message}`)
        : error;
    }
    this.#tell([], true);
    return { added: fresh.length, present: lessons.length - fresh.length };
  }

  /** Stores a lesson, and loads it. */
  async #teach(
    head: LessonHead,
    correction: boolean,
    frames: TaughtFrame[],
    model: string,
    signal: AbortSignal,
  ): Promise<void> {
    // Another model was loaded meanwhile, which has other features.
    const current =
      model === this.#model()
        ? frames
        : await this.#featuresOf(
            frames.map(({ jpeg }) => jpeg),
            signal,
          );
    const file = await this.#written(head, correction, current);
    if (signal.aborted) throw new AbortedError('aborted by the caller');
    await this.#store.write([[head.id, file]], []);
    await this.#host.call(() => this.#host.channel().learn(file));
    this.#tell([], true);
  }

  #written(head: LessonHead, correction: boolean, frames: TaughtFrame[]): Promise<Uint8Array> {
    return this.#host.call(() => this.#host.channel().lesson({ ...head, correction }, frames));
  }

  #lessonFrame(capture: Capture, signal: AbortSignal): Promise<LessonFrame> {
    return this.#host.read(capture, signal, (frame) => this.#host.channel().lessonFrame(frame));
  }

  /** Computes the features of stored pictures with the model that answers now. */
  async #featuresOf(jpegs: Uint8Array[], signal: AbortSignal): Promise<TaughtFrame[]> {
    const frames: TaughtFrame[] = [];
    for (const jpeg of jpegs) {
      const blob = new Blob([jpeg.slice()], { type: 'image/jpeg' });
      const look = await this.#lessonFrame({ kind: 'blob', blob, side: sideNeeded() }, signal);
      // An imported file may say where it was taken, or be turned by its EXIF orientation.
      const [frame] = this.#type().hasMetadata(jpeg) ? await taughtFrames([look]) : [{ features: look.features, jpeg }];
      frames.push(frame!);
    }
    return frames;
  }

  /** Loads what is stored, and unloads the rest. */
  async #reload(): Promise<void> {
    const channel = this.#host.channel();
    let stored: StoredLesson[];
    try {
      stored = await this.#store.all();
    } catch (error) {
      // A database that cannot be read must not stop recognition. The next model or change tries again.
      if (!(error instanceof JichoError && error.code === 'STORAGE')) throw error;
      console.warn(`what was taught is not known for now: ${error.message}`);
      return;
    }
    const damaged: string[] = [];
    for (const [id, file] of stored) {
      try {
        await this.#host.call(() => channel.learn(file));
      } catch (error) {
        if (!isUnread(error)) throw error;
        // What a newer version of the app wrote is left alone.
        if (error.code === 'INVALID_LESSON') damaged.push(id);
      }
    }
    const here = new Set(stored.map(([id]) => id));
    for (const { id } of channel.lessons()) if (!here.has(id) || damaged.includes(id)) channel.unlearn(id);
    if (damaged.length > 0) await this.#store.write([], damaged);
    this.#loadedInto = channel;
    this.#tell(damaged.length > 0 ? [{ labels: damaged.map(() => null), reason: 'damaged' }] : [], damaged.length > 0);
  }

  /**
   * In the background: deletes lessons of products that the release has learnt by now, and computes features anew that
   * another network has made.
   */
  async #refreshStale(): Promise<void> {
    const waits = ({ standing }: Lesson): boolean => standing === 'stale' || standing === 'in-release';
    try {
      if (!this.#lessons().some(waits)) return;
      await this.#change(NEVER, async () => {
        // Another tab may have done it already.
        await this.#reload();
        const lessons = this.#lessons();
        const dropped: DroppedLessons[] = [];
        const drop = async (gone: Lesson[], reason: DroppedLessons['reason']): Promise<void> => {
          if (gone.length === 0) return;
          await this.#store.write(
            [],
            gone.map(({ id }) => id),
          );
          for (const { id } of gone) this.#host.channel().unlearn(id);
          dropped.push({ labels: [...new Set(gone.map(({ label }) => label))], reason });
        };
        await drop(
          lessons.filter(({ standing }) => standing === 'in-release'),
          'in-release',
        );
        const stale = lessons.filter(({ standing }) => standing === 'stale');
        const unreadable = stale.length > 0 ? await this.#recompute(stale) : [];
        await drop(unreadable, 'unreadable');
        if (stale.length > 0 || dropped.length > 0) this.#tell(dropped, true);
      });
    } catch (error) {
      // It is retried when the channel is opened, or gets another model.
      if (!(error instanceof JichoError)) throw error;
    }
  }

  /** Computes the features of lessons anew. Returns the lessons whose pictures cannot be decoded. */
  async #recompute(lessons: Lesson[]): Promise<Lesson[]> {
    const files = new Map(await this.#store.all());
    const unreadable: Lesson[] = [];
    for (const lesson of lessons) {
      const { id, time, label, facts, correction } = lesson;
      try {
        const jpegs = await this.#host.call(() => this.#type().lessonPictures(files.get(id) ?? new Uint8Array()));
        const file = await this.#written({ id, time, label, facts }, correction, await this.#featuresOf(jpegs, NEVER));
        await this.#store.write([[id, file]], []);
        await this.#host.call(() => this.#host.channel().learn(file));
      } catch (error) {
        const code = error instanceof JichoError ? error.code : '';
        if (code !== 'INVALID_FRAME' && code !== 'INVALID_LESSON') throw error;
        unreadable.push(lesson);
      }
    }
    return unreadable;
  }

  #tell(dropped: DroppedLessons[], own: boolean): void {
    const labels = new Set(this.#host.channel().model()?.labels);
    this.#host.onTaught({ taught: taughtProducts(this.#lessons(), labels), dropped }, own);
  }

  #lessons(): Lesson[] {
    return this.#host.channel().lessons();
  }

  /** Identifies the model. */
  #model(): string {
    const model = this.#host.channel().model();
    if (!model) throw new NoModelError('the channel has no model on this device yet: sync first');
    return `${model.releaseSeq} ${model.version}`;
  }

  /** The class of the channel, from the module that it lives in. */
  #type(): typeof CompiledChannel {
    return this.#host.channel().constructor as typeof CompiledChannel;
  }

  #change<T>(signal: AbortSignal, change: () => Promise<T>): Promise<T> {
    const changed = this.#lastChange.then(() =>
      withLock(`${this.#host.key} lessons`, { signal, patience: this.#host.patience }, () => {
        if (signal.aborted) throw new AbortedError('aborted by the caller');
        return change();
      }),
    );
    this.#lastChange = changed.catch(() => undefined);
    return changed;
  }
}

const NEVER = new AbortController().signal;

async function taughtFrames(looks: LessonFrame[]): Promise<TaughtFrame[]> {
  return Promise.all(looks.map(async ({ features, square, side }) => ({ features, jpeg: await jpegOf(square, side) })));
}

/** Whether the error means that a lesson's file is damaged, or of a newer version. */
function isUnread(error: unknown): error is JichoError {
  return error instanceof JichoError && (error.code === 'INVALID_LESSON' || error.code === 'SCHEMA_TOO_NEW');
}
