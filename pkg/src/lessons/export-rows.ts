import { InvalidLessonError } from '../api/errors.js';
import type { LessonHead } from './requests.js';

/** A lesson as it was exported. */
export interface ExportedLesson {
  head: LessonHead;
  correction: boolean;
  jpegs: Uint8Array[];
}

const JPEG = 'data:image/jpeg;base64,';

/**
 * Reads what `exportLessons` wrote.
 *
 * @throws InvalidLessonError
 */
export function lessonsOf(text: string): ExportedLesson[] {
  const lessons = new Map<string, ExportedLesson>();
  for (const [number, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const wrong = (what: string): never => {
      throw new InvalidLessonError(`line ${number + 1}: ${what}; give a file that exportLessons made`);
    };
    const { image, product, facts, lesson } = rowOf(line) ?? wrong('no JSON object');
    const { id, time, correction } = (lesson ?? {}) as Record<string, unknown>;
    if (typeof id !== 'string' || !Number.isSafeInteger(time) || (time as number) < 0)
      return wrong('no "lesson" with id and time');
    if (typeof product !== 'string' && product !== null) return wrong('"product" is neither a string nor null');
    if (typeof image !== 'string' || !image.startsWith(JPEG)) return wrong(`"image" does not begin with ${JPEG}`);
    const jpeg = bytesOf(image.slice(JPEG.length)) ?? wrong('"image" is no base64');
    const head = { id, time: time as number, label: product, facts: facts === undefined ? '' : JSON.stringify(facts) };
    const known = lessons.get(id) ?? { head, correction: correction === true, jpegs: [] };
    known.jpegs.push(jpeg);
    lessons.set(id, known);
  }
  return [...lessons.values()];
}

function rowOf(line: string): Record<string, unknown> | undefined {
  try {
    const row: unknown = JSON.parse(line);
    return typeof row === 'object' && row !== null ? (row as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function bytesOf(base64: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  } catch {
    return undefined;
  }
}
