import { InvalidArgumentError } from '../api/errors.js';
import type { Enrolled, Said, TaughtChange, TaughtProduct } from '../api/lesson-types.js';
import type { EnrollOptions, ModelInfo, Recognition } from '../api/types.js';
import type { Frame } from '../capture/capture.js';
import type { Backend } from '../channel/backend.js';
import type { Measures } from '../upkeep/measures.js';

/** Answers that can be corrected by their id alone. */
const MOST = 256;

/** What was answered: a product's id, or null for none of them. */
type Verdict = string | null;

/** What was taught, as the page knows it, and which answers were right. */
export class Teaching {
  #taught: TaughtProduct[] = [];
  readonly #answers = new Map<string, Verdict>();
  readonly #judged = new Set<string>();
  /** Those of them that have a lesson. */
  readonly #corrected = new Set<string>();

  get taught(): TaughtProduct[] {
    return this.#taught;
  }

  changed({ taught }: TaughtChange): void {
    this.#taught = taught;
  }

  /** The model, with the facts of what was taught. */
  dressed(model: ModelInfo): ModelInfo {
    const told = this.#taught.filter(
      ({ label, facts, active }) => active && label !== null && Object.keys(facts).length > 0,
    );
    if (told.length === 0) return model;
    const facts = { ...model.facts };
    for (const { label, facts: own } of told) facts[label!] = { ...facts[label!], ...own };
    return { ...model, facts };
  }

  /** Remembers what was answered. */
  answered(recognition: Recognition): void {
    this.#answers.set(recognition.id, answerOf(recognition));
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= MOST) break;
      this.#answers.delete(oldest);
      this.#judged.delete(oldest);
      this.#corrected.delete(oldest);
    }
  }

  async enroll(backend: Backend, said: Said, frames: Frame[], signal: AbortSignal): Promise<Enrolled> {
    const seen = await backend.lessons({ do: 'enroll', said, frames }, signal);
    const product = this.#taught.find(({ label }) => label === said.label);
    if (!product) throw new InvalidArgumentError(`"${said.label}" was forgotten while it was taught`);
    return { product, frames: seen };
  }

  /** An answer that was right teaches nothing, but counts. */
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
    const right = answer === checked(label);
    if (!right || this.#corrected.has(id)) {
      await backend.lessons({ do: 'correct', said: { id, time: Date.now(), label, facts: '' } }, signal);
      this.#corrected.add(id);
    }
    if (this.#judged.has(id)) return;
    this.#judged.add(id);
    measures.verdict(right);
  }
}

/** What a recognition says that it is. */
function answerOf({ decision, predictions }: Recognition): Verdict {
  return decision === 'unknown' ? null : (predictions[0]?.label ?? null);
}

/** What is said of a lesson. */
export function saidOf(id: string, label: unknown, { facts = {} }: EnrollOptions): Said {
  if (typeof label !== 'string' || label === '')
    throw new InvalidArgumentError('a product id must be a string that is not empty');
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

/** A product's id, or null. */
export function checked(label: unknown): string | null {
  if (label === null || (typeof label === 'string' && label !== '')) return label;
  throw new InvalidArgumentError('a product id must be a string that is not empty, or null for none of the products');
}
