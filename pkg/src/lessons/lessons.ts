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
import type {
  DroppedLessons,
  EnrolledFrame,
  ImportedLessons,
  Kept,
  LessonAnswers,
  LessonRequest,
  Said,
  Shelf,
  TaughtChange,
  TaughtProduct,
} from '../api/lesson-types.js';
import { exclusive } from '../browser/lock.js';
import { type Frame, release } from '../capture/capture.js';
import type { Pixels } from '../capture/frame-reader.js';
import { jpegOf } from '../capture/jpeg.js';
import { lessonsOf } from './export-rows.js';

type Channel = CompiledChannel | TractChannel;
type Taken = { features: Uint8Array; jpeg: Uint8Array };

/** What lessons need of the channel's thread. */
export interface LessonHost {
  /** What tabs agree upon. */
  readonly key: string;
  /** A vault's, if there is one. */
  readonly sealed: Shelf | undefined;
  /** The channel that answers now. */
  channel(): Channel;
  /** Calls into the wasm module. */
  call<T>(call: () => T | Promise<T>): Promise<T>;
  /** Looks at a frame when it is its turn. */
  see<T>(frame: Frame, signal: AbortSignal, look: (pixels: Pixels) => T): Promise<T>;
  /** The pictures of a recognition, if they are still here. */
  recent(id: string): Pixels[] | undefined;
  /** `own`: whether this thread has changed what is kept, so that other tabs must hear. */
  onTaught(change: TaughtChange, own: boolean): void;
}

/** What was taught: kept on a shelf, learnt by the module. One change at a time, among all tabs. */
export class Lessons {
  readonly #host: LessonHost;
  readonly #device: Shelf;
  #turn: Promise<unknown> = Promise.resolve();
  /** The channel that knows them. */
  #learnt: Channel | undefined;

  constructor(host: LessonHost) {
    this.#host = host;
    this.#device = new DeviceShelf(host);
  }

  /** Has the channel know what is kept. What was kept in the clear before there was a vault is sealed. */
  async open(): Promise<void> {
    const { sealed } = this.#host;
    await this.#change(NEVER, async () => {
      const clear = sealed ? await this.#device.all() : [];
      if (sealed && clear.length > 0) {
        await sealed.keep(clear, []);
        await this.#device.keep(
          [],
          clear.map(([id]) => id),
        );
      }
      await this.#reload();
    });
    void this.#tend();
  }

  /** To be called when the channel may have another model. Resolves once it knows the lessons. */
  async settle(): Promise<void> {
    if (this.#learnt !== this.#host.channel()) await this.#change(NEVER, () => this.#reload());
    else if (this.#lessons().length > 0) this.#tell([], false);
    void this.#tend();
  }

  /** Removes all of them. */
  async clear(): Promise<void> {
    const kept = await this.#shelf.all();
    await this.#shelf.keep(
      [],
      kept.map(([id]) => id),
    );
  }

  /** The channel has forgotten them by itself. */
  forgotten(): void {
    this.#host.onTaught({ taught: [], dropped: [] }, false);
  }

  /** Takes the frames of a request over, and frees them. */
  async answer(request: LessonRequest, signal: AbortSignal): Promise<LessonAnswers[LessonRequest['do']]> {
    try {
      return await this.#answer(request, signal);
    } finally {
      if (request.do === 'enroll') request.frames.forEach(release);
    }
  }

  async #answer(request: LessonRequest, signal: AbortSignal): Promise<LessonAnswers[LessonRequest['do']]> {
    switch (request.do) {
      case 'enroll':
        return this.#change(signal, () => this.#enroll(request.said, request.frames, signal));
      case 'correct':
        return this.#change(signal, () => this.#correct(request.said, signal));
      case 'forget':
        return this.#change(signal, () => this.#forget(request.label));
      case 'export':
        return this.#change(signal, () => this.#export());
      case 'import':
        return this.#change(signal, async () => this.#import(await request.file.text(), signal));
      case 'reload':
        await this.#change(signal, () => this.#reload());
        void this.#tend();
        return undefined;
    }
  }

  get #shelf(): Shelf {
    return this.#host.sealed ?? this.#device;
  }

  async #enroll(said: Said, frames: Frame[], signal: AbortSignal): Promise<EnrolledFrame[]> {
    const looks: LessonFrame[] = [];
    const model = this.#model();
    for (const frame of frames) looks.push(await this.#look(frame, signal));
    const seen = looks.map(({ usable, quality }) => ({ used: usable, quality }));
    const usable = looks.filter(({ usable }) => usable);
    if (usable.length === 0) {
      const message = 'none of the frames shows anything to learn from: they are black, or without any contrast';
      throw new InvalidFrameError(message);
    }
    await this.#teach(said, false, await taken(usable), model, signal);
    return seen;
  }

  async #correct(said: Said, signal: AbortSignal): Promise<undefined> {
    const pictures = this.#host.recent(said.id);
    if (!pictures) {
      throw new RecognitionGoneError(
        'the picture of this recognition is gone: correct one of the last few, or show it again',
      );
    }
    const model = this.#model();
    const looks = [];
    for (const picture of pictures) looks.push(await this.#look({ kind: 'pixels', ...copied(picture) }, signal));
    await this.#teach(said, true, await taken(looks), model, signal);
    return undefined;
  }

  async #forget(label: string | null): Promise<boolean> {
    const gone = this.#lessons()
      .filter((lesson) => lesson.label === label)
      .map(({ id }) => id);
    if (gone.length === 0) return false;
    await this.#shelf.keep([], gone);
    for (const id of gone) this.#host.channel().unlearn(id);
    this.#tell([], true);
    return true;
  }

  async #export(): Promise<Blob> {
    const rows: string[] = [];
    const times = new Map(this.#lessons().map(({ id, time }) => [id, time]));
    const inTime = ([a]: Kept, [b]: Kept): number => (times.get(a) ?? 0) - (times.get(b) ?? 0);
    for (const [, file] of (await this.#shelf.all()).sort(inTime)) {
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
    const fresh = lessons.filter(({ said }) => !here.has(said.id));
    const files: Kept[] = [];
    try {
      for (const { said, correction, jpegs } of fresh) {
        const file = await this.#written(said, correction, await this.#relook(jpegs, signal));
        // Each counts for the limits of the next.
        await this.#host.call(() => this.#host.channel().learn(file));
        files.push([said.id, file]);
      }
      if (signal.aborted) throw new AbortedError('aborted by the caller');
      await this.#shelf.keep(files, []);
    } catch (error) {
      for (const [id] of files) this.#host.channel().unlearn(id);
      throw error instanceof InvalidFrameError
        ? new InvalidLessonError(`a picture cannot be decoded: ${error.message}`)
        : error;
    }
    this.#tell([], true);
    return { added: fresh.length, present: lessons.length - fresh.length };
  }

  /** Keeps a lesson, and has it take part. */
  async #teach(said: Said, correction: boolean, frames: Taken[], model: string, signal: AbortSignal): Promise<void> {
    // Another model came meanwhile: its features are others.
    const taken =
      model === this.#model()
        ? frames
        : await this.#relook(
            frames.map(({ jpeg }) => jpeg),
            signal,
          );
    const file = await this.#written(said, correction, taken);
    if (signal.aborted) throw new AbortedError('aborted by the caller');
    await this.#shelf.keep([[said.id, file]], []);
    await this.#host.call(() => this.#host.channel().learn(file));
    this.#tell([], true);
  }

  #written({ id, time, label, facts }: Said, correction: boolean, frames: Taken[]): Promise<Uint8Array> {
    return this.#host.call(() => this.#host.channel().lesson(id, time, label, facts, correction, frames));
  }

  #look(frame: Frame, signal: AbortSignal): Promise<LessonFrame> {
    return this.#host.see(frame, signal, ({ rgba, width, height }) =>
      this.#host.channel().lessonFrame(rgba, width, height),
    );
  }

  /** The features of kept pictures. */
  async #relook(jpegs: Uint8Array[], signal: AbortSignal): Promise<Taken[]> {
    const taken: Taken[] = [];
    for (const jpeg of jpegs) {
      const blob = new Blob([jpeg.slice()], { type: 'image/jpeg' });
      const { features } = await this.#look({ kind: 'blob', blob }, signal);
      taken.push({ features, jpeg });
    }
    return taken;
  }

  /** Learns what is kept, and unlearns the rest. */
  async #reload(): Promise<void> {
    const channel = this.#host.channel();
    let kept: Kept[];
    try {
      kept = await this.#shelf.all();
    } catch (error) {
      // A database that cannot be read stops neither model nor recognition: the next model, or the next change, tries again.
      if (!(error instanceof JichoError && error.code === 'STORAGE')) throw error;
      console.warn(`what was taught is not known for now: ${error.message}`);
      return;
    }
    const damaged: string[] = [];
    for (const [id, file] of kept) {
      try {
        await this.#host.call(() => channel.learn(file));
      } catch (error) {
        if (!isUnread(error)) throw error;
        // What a newer version wrote is its own to read.
        if (error.code === 'INVALID_LESSON') damaged.push(id);
      }
    }
    const here = new Set(kept.map(([id]) => id));
    for (const { id } of channel.lessons()) if (!here.has(id) || damaged.includes(id)) channel.unlearn(id);
    if (damaged.length > 0) await this.#shelf.keep([], damaged);
    this.#learnt = channel;
    this.#tell(damaged.length > 0 ? [{ labels: damaged.map(() => null), reason: 'damaged' }] : [], damaged.length > 0);
  }

  /** In the background: retires what the release has by now, and looks anew at what another network saw. */
  async #tend(): Promise<void> {
    const waits = ({ standing }: Lesson): boolean => standing === 'stale' || standing === 'in-release';
    try {
      if (!this.#lessons().some(waits)) return;
      await this.#change(NEVER, async () => {
        // Another tab may have done it.
        await this.#reload();
        const lessons = this.#lessons();
        const dropped: DroppedLessons[] = [];
        const drop = async (gone: Lesson[], reason: DroppedLessons['reason']): Promise<void> => {
          if (gone.length === 0) return;
          await this.#shelf.keep(
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
        const unreadable = stale.length > 0 ? await this.#anew(stale) : [];
        await drop(unreadable, 'unreadable');
        if (stale.length > 0 || dropped.length > 0) this.#tell(dropped, true);
      });
    } catch (error) {
      // It is tried again when the channel is opened, or has another model.
      if (!(error instanceof JichoError)) throw error;
    }
  }

  /** Looks at the pictures of lessons anew. Those that cannot be decoded. */
  async #anew(lessons: Lesson[]): Promise<Lesson[]> {
    const files = new Map(await this.#shelf.all());
    const unreadable: Lesson[] = [];
    for (const lesson of lessons) {
      const { id, time, label, facts, correction } = lesson;
      try {
        const jpegs = await this.#host.call(() => this.#type().lessonPictures(files.get(id) ?? new Uint8Array()));
        const file = await this.#written({ id, time, label, facts }, correction, await this.#relook(jpegs, NEVER));
        await this.#shelf.keep([[id, file]], []);
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
    this.#host.onTaught({ taught: products(this.#lessons(), labels), dropped }, own);
  }

  #lessons(): Lesson[] {
    return this.#host.channel().lessons();
  }

  /** By which another model is told. */
  #model(): string {
    const model = this.#host.channel().model();
    if (!model) throw new NoModelError('the channel has no model on this device yet: sync first');
    return `${model.releaseSeq} ${model.version}`;
  }

  /** The class, of whichever module. */
  #type(): typeof CompiledChannel {
    return this.#host.channel().constructor as typeof CompiledChannel;
  }

  #change<T>(signal: AbortSignal, change: () => Promise<T>): Promise<T> {
    const changed = this.#turn.then(() =>
      exclusive(`${this.#host.key} lessons`, signal, () => {
        if (signal.aborted) throw new AbortedError('aborted by the caller');
        return change();
      }),
    );
    this.#turn = changed.catch(() => undefined);
    return changed;
  }
}

const NEVER = new AbortController().signal;

/** In this browser's database; where there is none, in memory. */
class DeviceShelf implements Shelf {
  readonly #host: LessonHost;
  /** Where the browser keeps nothing. */
  #memory: Map<string, Uint8Array> | undefined;

  constructor(host: LessonHost) {
    this.#host = host;
  }

  async all(): Promise<Kept[]> {
    const kept = await this.#host.call(() => this.#host.channel().keptLessons());
    return kept ?? [...(this.#memory ??= new Map())];
  }

  async keep(lessons: Kept[], gone: string[]): Promise<void> {
    await this.#host.call(() => this.#host.channel().keepLessons(lessons, gone));
    for (const [id, file] of lessons) this.#memory?.set(id, file);
    for (const id of gone) this.#memory?.delete(id);
  }
}

async function taken(looks: LessonFrame[]): Promise<Taken[]> {
  return Promise.all(looks.map(async ({ features, square, side }) => ({ features, jpeg: await jpegOf(square, side) })));
}

/** Whether a lesson's file is damaged, or of a newer version. */
function isUnread(error: unknown): error is JichoError {
  return error instanceof JichoError && (error.code === 'INVALID_LESSON' || error.code === 'SCHEMA_TOO_NEW');
}

function copied({ rgba, width, height }: Pixels): { rgba: Uint8Array<ArrayBuffer>; width: number; height: number } {
  return { rgba: rgba as Uint8Array<ArrayBuffer>, width, height };
}

/** Lessons by product, in the order in which these were first taught. */
function products(lessons: Lesson[], labels: Set<string>): TaughtProduct[] {
  const products = new Map<string | null, TaughtProduct & { time: number }>();
  for (const { label, facts, frames, correction, time, standing } of [...lessons].sort((a, b) => a.time - b.time)) {
    const before = products.get(label);
    products.set(label, {
      label,
      facts: facts ? (JSON.parse(facts) as Record<string, unknown>) : (before?.facts ?? {}),
      frames: (before?.frames ?? 0) + frames,
      corrections: (before?.corrections ?? 0) + Number(correction),
      taughtAt: new Date(time).toISOString(),
      inRelease: label !== null && labels.has(label),
      active: before?.active || standing === 'active',
      time,
    });
  }
  return [...products.values()].map(({ time: _, ...product }) => product);
}
