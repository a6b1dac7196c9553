import type { Answer as CoreAnswer } from '../../wasm/jicho.js';

export type { Attribute, Defect, Finding, Prediction, Quality, QualityScores } from '../../wasm/jicho.js';

/** What the model says of one picture. */
export interface Answer extends CoreAnswer {
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
