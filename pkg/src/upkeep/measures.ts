import type { MeasuresReport, Times } from '../api/diagnostics.js';
import { ERROR_CODES, type JichoErrorCode } from '../api/errors.js';

/** How many of the last times are stored per kind. */
const ROLLING = 100;
const BINS = 10;

interface Timed {
  count: number;
  last: number[];
}

/** Counts and times of a channel. They contain nothing of what was recognised. */
export class Measures {
  #since: number;
  readonly #loads: Timed = { count: 0, last: [] };
  readonly #inferences: Timed = { count: 0, last: [] };
  readonly #confidence: number[] = Array<number>(BINS).fill(0);
  readonly #errors = new Map<JichoErrorCode, number>();
  #right = 0;
  #wrong = 0;

  /** @param since When the measures begin, in milliseconds since 1970. */
  constructor(since: number) {
    this.#since = since;
  }

  load(ms: number): void {
    time(this.#loads, 1, [ms]);
  }

  /** @param confidence That of the first prediction; undefined if there is none. */
  inference(ms: number, confidence: number | undefined): void {
    time(this.#inferences, 1, [ms]);
    if (confidence === undefined) return;
    const bin = Math.max(0, Math.min(BINS - 1, Math.floor(confidence * BINS)));
    this.#confidence[bin]! += 1;
  }

  error(code: JichoErrorCode, count = 1): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + count);
  }

  /** Counts an answer that was confirmed (right) or corrected (wrong). */
  verdict(right: boolean): void {
    if (right) this.#right += 1;
    else this.#wrong += 1;
  }

  /** Adds the measures of a later period, or of another tab. */
  add(later: Measures): void {
    this.#since = Math.min(this.#since, later.#since);
    time(this.#loads, later.#loads.count, later.#loads.last);
    time(this.#inferences, later.#inferences.count, later.#inferences.last);
    later.#confidence.forEach((count, bin) => (this.#confidence[bin]! += count));
    for (const [code, count] of later.#errors) this.error(code, count);
    this.#right += later.#right;
    this.#wrong += later.#wrong;
  }

  report(): MeasuresReport {
    return {
      since: new Date(this.#since).toISOString(),
      loads: summary(this.#loads),
      inferences: summary(this.#inferences),
      confidence: [...this.#confidence],
      errors: Object.fromEntries(this.#errors),
      corrections: this.#wrong,
      accuracy: this.#right + this.#wrong > 0 ? this.#right / (this.#right + this.#wrong) : null,
    };
  }

  toJSON(): unknown {
    return {
      since: this.#since,
      loads: this.#loads,
      inferences: this.#inferences,
      confidence: this.#confidence,
      errors: Object.fromEntries(this.#errors),
      right: this.#right,
      wrong: this.#wrong,
    };
  }

  /** Reads what {@link toJSON} gave. Anything of another shape is ignored, because any script of the origin may write to its storage. */
  static read(json: unknown, now: number): Measures {
    const { since, loads, inferences, confidence, errors, right, wrong } = record(json);
    const measures = new Measures(Math.min(now, count(since) || now));
    readTimed(measures.#loads, loads);
    readTimed(measures.#inferences, inferences);
    if (Array.isArray(confidence)) measures.#confidence.forEach((_, bin, bins) => (bins[bin] = count(confidence[bin])));
    const found = record(errors);
    for (const code of ERROR_CODES) if (count(found[code]) > 0) measures.#errors.set(code, count(found[code]));
    measures.#right = count(right);
    measures.#wrong = count(wrong);
    return measures;
  }
}

function time(timed: Timed, more: number, last: number[]): void {
  timed.count += more;
  timed.last.push(...last.map((ms) => Math.round(ms * 10) / 10));
  timed.last.splice(0, timed.last.length - ROLLING);
}

function summary({ count, last }: Timed): Times {
  const sorted = [...last].sort((a, b) => a - b);
  // The nearest-rank method.
  const at = (share: number): number | null => sorted[Math.ceil(share * sorted.length) - 1] ?? null;
  return { count, median: at(0.5), p95: at(0.95) };
}

function readTimed(timed: Timed, json: unknown): void {
  const { count: total, last } = record(json);
  const times = Array.isArray(last) ? last.filter((ms): ms is number => Number.isFinite(ms) && ms >= 0) : [];
  time(timed, Math.max(count(total), times.length), times);
}

function record(json: unknown): Record<string, unknown> {
  return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
}

function count(json: unknown): number {
  return Number.isSafeInteger(json) && (json as number) >= 0 ? (json as number) : 0;
}
