import type { Quality } from './recognition.js';

/** A product that was taught on this device, or a product of the release that was refined on it. */
export interface TaughtProduct {
  /** Product id; null for pictures that were said to show none of the products. */
  label: string | null;
  /** The facts that were taught last (name, price, …). */
  facts: Record<string, unknown>;
  /** Number of frames in all lessons of the product. */
  frames: number;
  /** How many of its lessons corrected an answer. */
  corrections: number;
  /** When it was last taught, ISO 8601, UTC. */
  taughtAt: string;
  /** Whether the release has the product, too. Its lessons then refine it. */
  inRelease: boolean;
  /** Whether it takes part in answers. It does not while its features must be computed anew, without a model or for another one. */
  active: boolean;
}

/** Lessons that were deleted although nobody asked to forget them. */
export interface DroppedLessons {
  /** Their products; null for none of the products, and for lessons that cannot be read. */
  labels: (string | null)[];
  /**
   * - `in-release`: the release has learnt the product from them.
   * - `unreadable`: the release has another network, and their pictures cannot be decoded.
   * - `damaged`: the stored data of the lessons is damaged.
   */
  reason: 'in-release' | 'unreadable' | 'damaged';
}

/** Everything that is taught now, and what was dropped by this change. */
export interface TaughtChange {
  taught: TaughtProduct[];
  dropped: DroppedLessons[];
}

/** What `enroll` did with one frame. */
export interface EnrolledFrame {
  /** False if the frame shows nothing: it is black, or without any contrast. */
  used: boolean;
  /** How good it is; better frames teach more. */
  quality: Quality;
}

/** What `enroll` did. */
export interface Enrolled {
  product: TaughtProduct;
  /** One entry per frame, in the order given. */
  frames: EnrolledFrame[];
}

/** What an import did. */
export interface ImportedLessons {
  /** Number of lessons that were added. */
  added: number;
  /** Number of lessons that were already stored. */
  present: number;
}
