import type { Channel as CompiledChannel } from '../../wasm/jicho.js';
import type { Channel as TractChannel } from '../../wasm/tract/jicho.js';
import type { LessonStore, StoredLesson } from './requests.js';

/** What the store needs of the channel's thread. */
interface Host {
  channel(): CompiledChannel | TractChannel;
  call<T>(call: () => T | Promise<T>): Promise<T>;
}

/** Lessons in this browser's database; where there is none, in memory. */
export class DeviceLessonStore implements LessonStore {
  readonly #host: Host;
  /** Where the browser stores nothing. */
  #memory: Map<string, Uint8Array> | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  async all(): Promise<StoredLesson[]> {
    const stored = await this.#host.call(() => this.#host.channel().keptLessons());
    return stored ?? [...(this.#memory ??= new Map())];
  }

  async write(lessons: StoredLesson[], deleted: string[]): Promise<void> {
    await this.#host.call(() => this.#host.channel().keepLessons(lessons, deleted));
    for (const [id, file] of lessons) this.#memory?.set(id, file);
    for (const id of deleted) this.#memory?.delete(id);
  }
}
