import type { Prediction, Recognition } from 'jicho';

import { hint } from './words';

/** What to show. */
export interface Shown {
  decision: Recognition['decision'];
  predictions: Prediction[];
  attributes: Recognition['attributes'];
  score: number | null;
  /** What the person could do about the picture; empty for nothing. */
  hint: string;
}

/** Answers in a row that must agree before they replace what is shown. */
const AGREE = 2;

/** Weight of the newest confidence in what is shown. */
const NEWEST = 0.35;

/** Turns a stream of answers, each of one video frame, into something calm enough to read. */
export class Steady {
  #shown: Shown | undefined;
  #shownAs = '';
  #lastAs = '';
  #agreed = 0;
  #hint = '';
  #lastHint = '';

  /** What to show after one more answer; undefined until two agree. */
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
      // Where answers flicker, it is what helps.
      this.#shown = { ...this.#shown, hint: this.#hint };
    }
    return this.#shown;
  }

  /** Forgets everything: the picture is another one now. */
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
  // The first stays first: it is what the answers agree on.
  const [first, ...others] = mixed;
  return first ? [first, ...others.sort((a, b) => b.confidence - a.confidence)] : [];
}
