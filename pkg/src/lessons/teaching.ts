import { InvalidArgumentError } from '../api/errors.js';
import type { Enrolled, TaughtChange, TaughtProduct } from '../api/lessons.js';
import type { ModelInfo } from '../api/model.js';
import type { EnrollOptions } from '../api/options.js';
import type { Recognition } from '../api/recognition.js';
import type { Capture } from '../capture/capture.js';
import type { Backend } from '../channel/backend.js';
import type { Measures } from '../upkeep/measures.js';
import type { LessonHead } from './requests.js';

/** How many answers can be corrected by their id alone. */
const MOST = 256;

/** The product that an answer names, or null for none of them. */
type Verdict = string | null;

/** The page's view of what was taught, and of which answers were right. */
export class Teaching {
  #taught: TaughtProduct[] = [];
  readonly #answers = new Map<string, Verdict>();
  readonly #judged = new Set<string>();
  /** Recognitions that a lesson was made of. */
  readonly #corrected = new Set<string>();

  get taught(): TaughtProduct[] {
    return this.#taught;
  }

  changed({ taught }: TaughtChange): void {
    this.#taught = taught;
  }

  /** The model, with the facts of what was taught. */
  withTaughtFacts(model: ModelInfo): ModelInfo {
    const taught = this.#taught.filter(
      ({ label, facts, active }) => active && label !== null && Object.keys(facts).length > 0,
    );
    if (taught.length === 0) return model;
    // A map, because a product may be called `__proto__`.
    const facts = new Map(Object.entries(model.facts));
    for (const { label, facts: own } of taught) facts.set(label!, { ...facts.get(label!), ...own });
    return { ...model, facts: Object.fromEntries(facts) };
  }

  /** Remembers an answer, and drops the oldest. */
  answered(recognition: Recognition): void {
    this.#answers.set(recognition.id, answerOf(recognition));
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= MOST) break;
      this.#answers.delete(oldest);
      this.#judged.delete(oldest);
      this.#corrected.delete(oldest);
    }
  }

  async enroll(backend: Backend, head: LessonHead, captures: Capture[], signal: AbortSignal): Promise<Enrolled> {
    const frames = await backend.lessons({ do: 'enroll', head, captures }, signal);
    const product = this.#taught.find(({ label }) => label === head.label);
    if (!product) throw new InvalidArgumentError(`"${head.label}" was forgotten while it was taught`);
    return { product, frames };
  }

  /** Teaches the correction of a wrong answer. A right answer only counts for the accuracy. */
  async correct(
    backend: Backend,
    recognition: Recognition | string,
    label: string | null,
    measures: Measures,
    signal: AbortSignal,
  ): Promise<void> {
    const id = typeof recognition === 'string' ? recognition : recognition?.id;
    if (typeof id !== 'string') throw new InvalidArgumentError('a recognition, or its id, must be given');
    const answer = typeof recognition === 'string' ? this.#answers.get(id) : answerOf(recognition);
    const right = answer === labelOf(label);
    if (!right || this.#corrected.has(id)) {
      await backend.lessons({ do: 'correct', head: { id, time: Date.now(), label, facts: '' } }, signal);
      this.#corrected.add(id);
    }
    if (this.#judged.has(id)) return;
    this.#judged.add(id);
    measures.verdict(right);
  }
}

/** The product that a recognition names. */
function answerOf({ decision, predictions }: Recognition): Verdict {
  return decision === 'unknown' ? null : (predictions[0]?.label ?? null);
}

/**
 * What is known of a new lesson beside its frames.
 *
 * @throws InvalidArgumentError
 */
export function lessonHead(id: string, label: unknown, { facts = {} }: EnrollOptions): LessonHead {
  if (typeof label !== 'string' || label === '') {
    throw new InvalidArgumentError('a product id must be a string that is not empty');
  }
  if (typeof facts !== 'object' || facts === null || Array.isArray(facts)) {
    throw new InvalidArgumentError('"facts" must be an object of JSON values');
  }
  try {
    const json = JSON.stringify(facts);
    return { id, time: Date.now(), label, facts: json === '{}' ? '' : json };
  } catch (error) {
    throw new InvalidArgumentError(`"facts" are no JSON: ${String(error)}`, { cause: error });
  }
}

/**
 * A product's id, or null.
 *
 * @throws InvalidArgumentError
 */
export function labelOf(label: unknown): string | null {
  if (label === null || (typeof label === 'string' && label !== '')) return label;
  throw new InvalidArgumentError('a product id must be a string that is not empty, or null for none of the products');
}
