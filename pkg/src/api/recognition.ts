/** A product with its probability. */
export interface Prediction {
  /** Product id. */
  label: string;
  /** Probability, 0–1. */
  confidence: number;
  /** Whether the app knows this product; always true where the app never said which it knows. One that is not never wins. */
  known: boolean;
  /** Whether it was taught on this device, and the release does not have it. */
  taught: boolean;
}

/** A recognised attribute. */
export interface Attribute {
  /** Text, a number, or a sequence of integers. */
  value: string | number | number[];
  /** Probability of the value, 0–1; null for numbers. */
  confidence: number | null;
  /** Of numbers: mean absolute error on held-out photos, in the attribute's unit. */
  error?: number;
}

/** What can be wrong with a picture. Causes come before what they cause: who moves gets a blurred picture. */
export type Defect = 'too-dark' | 'too-bright' | 'glare' | 'low-contrast' | 'too-small' | 'motion' | 'blur';

/**
 * What was measured of the central square that recognition looks at, resized to at most 256 pixels a side: one score a
 * {@link Defect}. The repository's docs/quality.md tells how the limits were chosen.
 */
export interface QualityScores {
  /** Luma that a twentieth of the pixels reach, 0–255; a defect below 100. */
  tooDark: number;
  /** Share of 64 tiles in which a tenth of the pixels are clipped in some channel, 0–1; a defect above 0.3. */
  tooBright: number;
  /** Share of the pixels, away from the rim, that are clipped to white, 0–1; a defect above 0.025. */
  glare: number;
  /** Michelson contrast of the darkest and the brightest hundredth, 0–1; a defect below 0.35. */
  lowContrast: number;
  /** Pixels from end to end of the detail along its longer axis, 0–256; a defect below 110. */
  tooSmall: number;
  /**
   * How far the picture moved since the one before, as a share of its side, 0 to about 0.1, where it saturates; a defect
   * above 0.015. Of a video element or a VideoFrame only, and absent where none of the same video (all VideoFrames count
   * as one) was recognised or assessed within the half second before: photos, canvases and bitmaps have no motion.
   */
  motion?: number;
  /** How much of an edge's whole step its steepest pixel makes, 0–1, of the axis with the softer edges; a defect below 0.28. */
  blur: number;
}

/** A defect that a picture has. */
export interface Finding {
  /** Which. To show it in another language, choose the words by this. */
  defect: Defect;
  /** Its score, as in {@link QualityScores}. */
  score: number;
  /** What the score broke: the least or the most that it may be. */
  limit: number;
  /** What to do, for whoever holds the camera: one short English sentence. */
  reason: string;
}

/** How usable a picture is. It never changes what is recognised. */
export interface Quality {
  /** What was measured. */
  scores: QualityScores;
  /** What is wrong, causes first; empty where the picture is good. Show the first one's reason. */
  findings: Finding[];
}

/** What the model says of one picture. */
export interface Answer {
  /** `match`: take the first prediction. `unsure`: offer the first few. `unknown`: probably none of the products. */
  decision: 'match' | 'unsure' | 'unknown';
  /** Why it was decided so. */
  reason: 'confident' | 'low-confidence' | 'far-from-products' | 'no-product' | 'no-labels' | 'not-known';
  /** Every product, most likely first, those that the app does not know last; the confidences sum to 1. */
  predictions: Prediction[];
  /** First confidence minus second, 0–1. */
  margin: number;
  /** Largest cosine to a product, −1–1, or a classifier's largest confidence; what the rejection threshold is held against. */
  rejectionScore: number;
  /** Further attributes, by name. */
  attributes: Record<string, Attribute>;
  /** 0–100 where the release has a score rule, else null. */
  score: number | null;
  /** How usable the picture was; null with {@link OpenOptions.quality} false. */
  quality: Quality | null;
  /** The release that answered. */
  version: string;
  /** Milliseconds that decoding, recognition and quality took, without the wait for earlier pictures. */
  ms: number;
  /** Width of the picture, pixels. */
  width: number;
  /** Height of the picture, pixels. */
  height: number;
}

/** An {@link Answer} that can be referred to. Plain data: it can be cloned, stored and sent as JSON. */
export interface Recognition extends Answer {
  /** Names this recognition; unique. */
  id: string;
}
