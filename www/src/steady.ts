import type { Prediction, Recognition } from 'jicho';

import { hint } from './words';

/** What the page shows of an answer. */
export interface Shown {
  decision: Recognition['decision'];
  predictions: Prediction[];
  attributes: Recognition['attributes'];
  score: number | null;
  /** Advice on how to improve the picture, or empty. */
  hint: string;
}

/** How many consecutive answers must agree before they replace what is shown. */
const AGREE = 2;

/** Weight of the newest confidence in the moving average that is shown. */
const NEWEST = 0.35;

/** Smooths a stream of answers, one per video frame, so that a person can read it. */
export class Steady {
  #shown: Shown | undefined;
  #shownAs = '';
  #lastAs = '';
  #agreed = 0;
  #hint = '';
  #lastHint = '';

  /** Adds an answer. Returns what to show, or undefined until two consecutive answers agree. */
  add(answer: Recognition): Shown | undefined {
    const as = answer.decision === 'unknown' ? '' : `${answer.decision} ${answer.predictions[0]?.label}`;
    this.#agreed = this.#agreed > 0 && as === this.#lastAs ? this.#agreed + 1 : 1;
    this.#lastAs = as;
    const newest = hint(answer);
    if (newest === this.#lastHint) this.#hint = newest;
    this.#lastHint = newest;
    const { decision, attributes, score } = answer;
    const rest = { decision, attributes, score, hint: this.#hint };
    if (this.#shown && as === this.#shownAs) {
      const predictions = blend(this.#shown.predictions, answer.predictions);
      this.#shown = { ...rest, predictions };
    } else if (this.#agreed >= AGREE) {
      this.#shown = { ...rest, predictions: answer.predictions };
      this.#shownAs = as;
    } else if (this.#shown) {
      // While answers alternate, advice on the picture is what helps.
      this.#shown = { ...this.#shown, hint: this.#hint };
    }
    return this.#shown;
  }

  /** Starts again, for another picture. */
  clear(): void {
    this.#shown = undefined;
    this.#agreed = 0;
    this.#hint = this.#lastHint = '';
  }
}

function blend(before: Prediction[], now: Prediction[]): Prediction[] {
  const old = new Map(before.map((p) => [p.label, p.confidence]));
  const mixed = now.map((prediction) => {
    const { label, confidence } = prediction;
    const was = old.get(label) ?? confidence;
    return { ...prediction, confidence: was + NEWEST * (confidence - was) };
  });
  // The first product stays first, because the answers agree on it.
  const [first, ...others] = mixed;
  return first ? [first, ...others.sort((a, b) => b.confidence - a.confidence)] : [];
}
