import type { Answer as CoreAnswer } from '../../wasm/jicho.js';

export type {
  Attribute,
  AttributeValue,
  Decision,
  Defect,
  Finding,
  Prediction,
  Quality,
  QualityScores,
  Reason,
} from '../../wasm/jicho.js';

/** What the model says of one picture. */
export interface Answer extends CoreAnswer {
  /** Milliseconds for decoding, recognition and quality, without the wait for earlier pictures. */
  ms: number;
  /** Width of the source, pixels. */
  width: number;
  /** Height of the source, pixels. */
  height: number;
}

/** An {@link Answer} with an id. Plain data: it can be cloned, stored and sent as JSON. */
export interface Recognition extends Answer {
  /** Unique id of this recognition. */
  id: string;
}
