import { errorOf } from '../api/error-codes.js';
import { JichoError } from '../api/errors.js';
import type { LessonStore, LessonStoreRequest, StoredLesson } from '../lessons/requests.js';
import type { LessonVault } from './types.js';

/** Number of records that are read at once. With their pictures they take a few MB. */
const PAGE = 50;

/** Lessons as records of a vault, of the kind `lesson`. */
export class VaultLessonStore implements LessonStore {
  readonly #vault: LessonVault;
  readonly #channel: string;
  /** The ids of each lesson's records. */
  readonly #records = new Map<string, string[]>();

  /** @param channel Identifies the channel; lessons of other channels may be in the same vault. */
  constructor(vault: LessonVault, channel: string) {
    this.#vault = vault;
    this.#channel = channel;
  }

  async all(): Promise<StoredLesson[]> {
    this.#records.clear();
    const lessons = new Map<string, Uint8Array>();
    let after: string | null | undefined;
    do {
      const query = { kind: 'lesson', order: 'oldest', limit: PAGE, blobs: true, ...(after && { after }) } as const;
      const page = await this.#vault.list(query);
      for (const record of page.records) {
        if (record.kind !== 'lesson' || record.lesson.channel !== this.#channel || !record.file) continue;
        const { id, lesson, file } = record;
        // If the page died while a lesson was being replaced, there are two records of it. The later one counts.
        lessons.set(lesson.id, file);
        this.#records.set(lesson.id, [...(this.#records.get(lesson.id) ?? []), id]);
      }
      after = page.next;
    } while (after);
    return [...lessons];
  }

  async write(lessons: StoredLesson[], deleted: string[]): Promise<void> {
    // Another tab may have added lessons.
    if (deleted.length > 0 || lessons.some(([id]) => !this.#records.has(id))) await this.all();
    const old = [...lessons.map(([id]) => id), ...deleted].flatMap((id) => this.#records.get(id) ?? []);
    const added: [string, string][] = [];
    try {
      for (const [id, file] of lessons) {
        const lesson = { id, channel: this.#channel };
        added.push([id, await this.#vault.add({ kind: 'lesson', lesson, file })]);
      }
    } catch (error) {
      for (const [, record] of added) await this.#vault.delete(record);
      throw error;
    }
    for (const id of deleted) this.#records.delete(id);
    for (const [id, record] of added) this.#records.set(id, [record]);
    for (const record of old) await this.#vault.delete(record);
  }

  /** Answers a worker's request. Rejects with a typed error only. */
  async answer(request: LessonStoreRequest): Promise<unknown> {
    try {
      return await (request.do === 'all' ? this.all() : this.write(request.lessons, request.deleted));
    } catch (error) {
      throw error instanceof JichoError
        ? error
        : errorOf('INTERNAL', `the vault failed: ${String(error)}`, { cause: error });
    }
  }
}
