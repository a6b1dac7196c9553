import type { Prediction, Recognition } from '../api/recognition.js';

/** How many of the last frames vote. */
export const VOTERS = 5;

/** How many of the last frames must agree before an answer holds, and how many are looked at for it. */
const AGREE = 2;
const RECENT = 3;

/** What the last frames say together. */
export interface Verdict {
  /** The newest frame that agrees with it, with the predictions of all that agree averaged. */
  answer: Recognition;
  /** How many of the frames that vote agree. */
  frames: number;
}

/**
 * Settles a stream of answers, one per frame. Only what the answers say counts, never when they came: two of the last three
 * frames that name the same product make a match, two that show no product make `unknown`, and anything else is `unsure`,
 * with the predictions of all these frames averaged.
 */
export class Vote {
  #answers: Recognition[] = [];

  /** Adds the answer to the newest frame. Returns null while too few frames were seen. */
  add(answer: Recognition): Verdict | null {
    this.#answers = [...this.#answers, answer].slice(-VOTERS);
    const recent = this.#answers.slice(-RECENT);
    if (recent.length < AGREE) return null;
    const votes = recent.map(voteOf);
    const settled = votes.find((vote) => vote !== UNSURE && votes.filter((other) => other === vote).length >= AGREE);
    return settled === undefined ? this.#unsure() : this.#agreed(settled);
  }

  /** Whether the last frames say the same, so that another frame of the same scene would add nothing. */
  get unanimous(): boolean {
    const votes = this.#answers.slice(-RECENT).map(voteOf);
    return votes.length === RECENT && votes.every((vote) => vote === votes[0]);
  }

  /** Starts again: the next frame shows another scene. */
  clear(): void {
    this.#answers = [];
  }

  #agreed(vote: string): Verdict {
    const agreeing = this.#answers.filter((answer) => voteOf(answer) === vote);
    const newest = agreeing.at(-1)!;
    return { answer: { ...newest, predictions: averaged(agreeing) }, frames: agreeing.length };
  }

  /** The frames disagree, or are unsure themselves. */
  #unsure(): Verdict {
    const newest = this.#answers.at(-1)!;
    const predictions = averaged(this.#answers);
    return { answer: { ...newest, decision: 'unsure', predictions }, frames: this.#answers.length };
  }
}

const UNSURE = 'unsure';

/** What a frame votes for. Product ids get a prefix, so that no id can be mistaken for the other votes. */
function voteOf({ decision, predictions }: Recognition): string {
  return decision === 'match' ? `match ${predictions[0]?.label}` : decision;
}

/** The mean confidence of each label over all answers, the highest first; an answer without a label adds 0 to its sum. */
function averaged(answers: readonly Recognition[]): Prediction[] {
  const sums = new Map<string, Prediction>();
  for (const prediction of answers.flatMap(({ predictions }) => predictions)) {
    const sum = sums.get(prediction.label)?.confidence ?? 0;
    sums.set(prediction.label, { ...prediction, confidence: sum + prediction.confidence });
  }
  const means = [...sums.values()].map((sum) => ({ ...sum, confidence: sum.confidence / answers.length }));
  // Products that the app does not know never come first.
  return means.sort((a, b) => Number(b.known) - Number(a.known) || b.confidence - a.confidence);
}
