import type { EnrolledFrame, ImportedLessons } from '../api/lessons.js';
import type { Capture } from '../capture/capture.js';

/** What is known of a lesson beside its frames. */
export interface LessonHead {
  id: string;
  /** When it was taught, milliseconds since 1970. */
  time: number;
  /** Product id; null for none of the products. */
  label: string | null;
  /** A JSON object, or empty. */
  facts: string;
}

/** What the channel's thread is asked of lessons. */
export type LessonRequest =
  | { do: 'enroll'; head: LessonHead; captures: Capture[] }
  /** `head.id` is the recognition's. */
  | { do: 'correct'; head: LessonHead }
  /** Deletes all lessons of a product. */
  | { do: 'forget'; label: string | null }
  | { do: 'export' }
  | { do: 'import'; file: Blob }
  /** Another tab has changed what is stored. */
  | { do: 'reload' };

/** What it answers. */
export interface LessonAnswers {
  enroll: EnrolledFrame[];
  correct: undefined;
  forget: boolean;
  export: Blob;
  import: ImportedLessons;
  reload: undefined;
}

/** A lesson's file under its id. */
export type StoredLesson = [id: string, file: Uint8Array];

/** Where lessons are stored: in the browser's database, or in a vault. */
export interface LessonStore {
  all(): Promise<StoredLesson[]>;
  /** Puts lessons in the place of those of the same id, and deletes others by id. When it fails, nothing has changed. */
  write(lessons: StoredLesson[], deleted: string[]): Promise<void>;
}

/** What is asked of a lesson store that is in the page, by a worker. */
export type LessonStoreRequest = { do: 'all' } | { do: 'write'; lessons: StoredLesson[]; deleted: string[] };
