import type { Quality } from './recognition.js';

/** A product that was taught on this device, or of the release, refined on it. */
export interface TaughtProduct {
  /** Product id; null stands for what was said to be none of the products. */
  label: string | null;
  /** What was said of it (name, price, …), the latest where there is more. */
  facts: Record<string, unknown>;
  /** Frames in all its lessons. */
  frames: number;
  /** How many of its lessons corrected an answer. */
  corrections: number;
  /** When it was last taught, ISO 8601, UTC. */
  taughtAt: string;
  /** Whether the release knows it, too: then its lessons refine it. */
  inRelease: boolean;
  /** Whether it takes part in answers: not while its frames wait to be looked at anew, for want of a model or by another one. */
  active: boolean;
}

/** Lessons that are no more, though nobody forgot them. */
export interface DroppedLessons {
  /** Whose; null stands for none of the products, and for lessons that cannot be read. */
  labels: (string | null)[];
  /**
   * - `in-release`: the release was trained after them and has the product itself.
   * - `unreadable`: another network came, and their pictures cannot be decoded.
   * - `damaged`: what was stored of them is damaged.
   */
  reason: 'in-release' | 'unreadable' | 'damaged';
}

/** What is taught now, and what was dropped. */
export interface TaughtChange {
  taught: TaughtProduct[];
  dropped: DroppedLessons[];
}

/** What became of a frame that was taught. */
export interface EnrolledFrame {
  /** False of one that shows nothing: black, or without any contrast. */
  used: boolean;
  /** How good it is; better frames teach more. */
  quality: Quality;
}

/** What came of teaching a product. */
export interface Enrolled {
  product: TaughtProduct;
  /** Each frame, in the order given. */
  frames: EnrolledFrame[];
}

/** What came of an import. */
export interface ImportedLessons {
  /** Lessons that are new here. */
  added: number;
  /** Lessons that were here already. */
  present: number;
}
