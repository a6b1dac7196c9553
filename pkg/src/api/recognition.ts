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

/** What the last frames of a video say together; see {@link Jicho.watch}. */
export interface WatchAnswer extends Recognition {
  /** How many of the last five frames agree with it. `id` is that of the newest of them, for {@link Jicho.correct}. */
  frames: number;
  /** Whether the decision or the first product differs from those of the answer before. */
  changed: boolean;
}
