// Written by the test in src/boundary/typescript.rs from the Rust types. Do not edit:
// `./build.sh generated` writes it anew.

/**
 * The model that answers for a channel.
 */
export type ModelInfo = {
  /**
   * Channel id.
   */
  channel: string,
  /**
   * Name of the release, unique in its channel.
   */
  version: string,
  /**
   * Rises with every publish, rollbacks included; decides what is newer.
   */
  releaseSeq: number,
  /**
   * When training ended, ISO 8601, UTC.
   */
  trainedAt: string,
  /**
   * Number of products.
   */
  productCount: number,
  /**
   * Photos trained on.
   */
  imageCount: number,
  /**
   * Product ids.
   */
  labels: string[],
  /**
   * Top-1 on photos held out of training, 0–1; null where none could be held out.
   */
  accuracy: number | null,
  /**
   * Side of the network's square input, pixels.
   */
  imageSize: number,
  /**
   * How the answers come about: `embedding` (heads on a frozen network) or `classifier` (one whole network).
   */
  modelType: ModelType,
  /**
   * The network's family, as `mobilenetv2-12`; null where the release does not say.
   */
  architecture: string | null,
  /**
   * Bytes of all files that this device fetches of it.
   */
  bytes: number,
  /**
   * Whether it is the channel's candidate, which only a share of the devices takes.
   */
  candidate: boolean,
  /**
   * Whether it survives the page; false while it is being stored, and where that is impossible.
   */
  stored: boolean,
  /**
   * Why it does not survive the page (the device is full, the browser allows no storage, …); null while it may.
   */
  storedProblem: string | null,
  /**
   * What the release says of products (name, price, …), by product id. The npm package adds what was taught.
   */
  facts: Record<string, Record<string, unknown>>,
};

/**
 * How a sync ended.
 * `updated`: another release answers now. `current`: the host has nothing newer. `offline`: the host could not be
 * reached; the model on the device goes on answering. `absent`: the host has no such channel. `host-older`: the host's
 * release is older than one that this device trusted (a stale cache, a restored backup, or a replay); the model stays.
 * `expired`: the host has nothing newer, and what it has should have been replaced by now; the model goes on answering.
 */
export type Outcome = "updated" | "current" | "offline" | "absent" | "host-older" | "expired";

/**
 * What came of a sync.
 */
export type Synced = {
  /**
   * How it ended.
   */
  outcome: Outcome,
  /**
   * Why the host could not be reached, where the outcome is `offline`; else null.
   */
  cause: Problem | null,
  /**
   * When the host's latest/metadata.json should have been replaced, Unix seconds; null where it was not read or does not
   * say.
   */
  expires: number | null,
  /**
   * Whether that time has passed, whatever the outcome.
   */
  expired: boolean,
  /**
   * The model that answers now, or null.
   */
  model: ModelInfo | null,
};

/**
 * A decoded picture: straight (not premultiplied) 8-bit sRGB with alpha, rows from the top, without padding.
 */
export type Frame = {
  /**
   * `4 * width * height` bytes.
   */
  rgba: Uint8Array,
  /**
   * Pixels.
   */
  width: number,
  /**
   * Pixels.
   */
  height: number,
};

/**
 * Which video a frame is of, and when it was taken; its motion is told against the frame before.
 */
export type Moment = {
  /**
   * A number for each video.
   */
  video: number,
  /**
   * Milliseconds, from any beginning that stays the same.
   */
  at: number,
};

/**
 * How to open a channel.
 */
export type ChannelOptions = {
  /**
   * Public keys, 64 hex digits each. Where there are any, only releases that they signed are taken.
   */
  keys?: Array<string>,
  /**
   * How many different ones of the keys must have signed a release; 1 unless given.
   */
  threshold?: number,
  /**
   * The product ids that the app knows; null knows all.
   */
  products?: Array<string> | null,
  /**
   * Gives the bearer token, or a fresh one after the host answered 401. It is sent to the models' own origin only,
   * and not kept.
   */
  token?: (refresh: boolean) => Promise<string | null | undefined>,
  /**
   * Seconds after which a connection that brings no byte counts as broken; 30 unless given.
   */
  stallSeconds?: number,
};

/**
 * How to recognise.
 */
export type RecognizeOptions = {
  /**
   * Whether the answer tells the last frame's quality.
   */
  quality: boolean,
  /**
   * Of the last frame, where it is of a video.
   */
  moment?: Moment | undefined,
  /**
   * The share of matches that should be right, between 0 and 1; the release's own choice unless given.
   */
  precision?: number | undefined,
};

/**
 * Why a decision was taken.
 * `confident`: the confidence suffices. `low-confidence`: two or more products are about as likely.
 * `far-from-products`: unlike every product, or not like enough for a match. `no-product`: more like a frame without a product. `no-labels`: the channel
 * has attributes only. `not-known`: the app knows none of the channel's products.
 */
export type Reason = "confident" | "low-confidence" | "far-from-products" | "no-product" | "no-labels" | "not-known";

/**
 * A product with its probability.
 */
export type Prediction = {
  /**
   * Product id.
   */
  label: string,
  /**
   * Probability, 0–1.
   */
  confidence: number,
  /**
   * Whether the app knows this product; always true where the app never said which it knows. One that it does not
   * know never wins. One that was taught is known.
   */
  known: boolean,
  /**
   * Whether it was taught on this device, and the release does not have it.
   */
  taught: boolean,
};

/**
 * A recognised attribute.
 */
export type Attribute = {
  /**
   * Text, a number, or a sequence of integers.
   */
  value: AttributeValue,
  /**
   * Probability of the value, 0–1 (of a sequence: that every position is right, taken as independent); null for
   * numbers.
   */
  confidence: number | null,
  /**
   * For numbers: mean absolute error on held-out photos, in the attribute's unit.
   */
  error?: number,
};

/**
 * A value of an attribute: text of a categorical one, a number, or a sequence of integers.
 */
export type AttributeValue = string | number | Array<number>;

/**
 * What a device answers to frames, with the quality of the last one.
 */
export type Answer = {
  /**
   * How usable the last frame was; null where it was not asked for.
   */
  quality: Quality | null,
  /**
   * `match`: take the first prediction. `unsure`: offer the first few. `unknown`: probably none of the products.
   */
  decision: Decision,
  /**
   * Why it was decided so.
   */
  reason: Reason,
  /**
   * Every product, most likely first, those that the app does not know last; the confidences sum to 1.
   */
  predictions: Array<Prediction>,
  /**
   * First confidence minus second, 0–1, among products that the app knows.
   */
  margin: number,
  /**
   * How like a known product the frame is; below the release's rejection threshold the answer is `unknown`. Of an
   * embedding model: the nearest product's cosine less the mean cosine of that product's own photos, so about 0 for a
   * product and negative for anything else. Of a classifier: the largest confidence. 0 without any product.
   */
  rejectionScore: number,
  /**
   * Further attributes, by name.
   */
  attributes: Record<string, Attribute>,
  /**
   * 0–100 where the release has a score rule, else null.
   */
  score: number | null,
  /**
   * The release that answered.
   */
  version: string,
};

/**
 * What can be wrong with a frame. Causes come before what they cause: who moves gets a blurred picture.
 */
export type Defect = "too-dark" | "too-bright" | "glare" | "low-contrast" | "too-small" | "motion" | "blur";

/**
 * What was measured of the central square that recognition looks at, resized to at most 256 pixels a side: one score
 * a `Defect`. docs/quality.md says how the limits were chosen.
 */
export type QualityScores = {
  /**
   * Luma that a twentieth of the pixels reach, 0–255; a defect below 100.
   */
  tooDark: number,
  /**
   * Share of the picture's 64 tiles in which a tenth of the pixels or more are clipped in some channel, 0–1; a
   * defect above 0.3.
   */
  tooBright: number,
  /**
   * Share of the pixels, away from the rim, that are clipped to white, 0–1; a defect above 0.025.
   */
  glare: number,
  /**
   * Michelson contrast of the darkest and the brightest hundredth, 0–1; a defect below 0.35.
   */
  lowContrast: number,
  /**
   * Pixels from end to end of the detail along its longer axis, 0–256; a defect below 110.
   */
  tooSmall: number,
  /**
   * How far the picture moved since the frame before, as a share of its side, 0 to about 0.1, where it saturates; a
   * defect above 0.015. Absent where no frame of the same video was recognised or assessed within the half second
   * before: photos, canvases and bitmaps have no motion.
   */
  motion?: number,
  /**
   * How much of an edge's whole step its steepest pixel makes, 0–1, of the axis with the softer edges; a defect below
   * 0.28.
   */
  blur: number,
};

/**
 * A defect that a frame has.
 */
export type Finding = {
  /**
   * Which. To show it in another language, choose the words by this.
   */
  defect: Defect,
  /**
   * Its score.
   */
  score: number,
  /**
   * What the score broke: the least or the most that it may be.
   */
  limit: number,
  /**
   * What to do, for whoever holds the camera: one short English sentence.
   */
  reason: string,
};

/**
 * How usable a frame is. It never changes what is recognised.
 */
export type Quality = {
  /**
   * What was measured.
   */
  scores: QualityScores,
  /**
   * What is wrong, causes first; empty where the frame is good. Show the first one's reason.
   */
  findings: Array<Finding>,
};

/**
 * What a release makes of a lesson.
 * `active`: the lesson takes part in answers. `stale`: its features are of another network, so they must be computed
 * again from its pictures. `in-release`: the release was trained on the lesson.
 */
export type Standing = "active" | "stale" | "in-release";

/**
 * A lesson that a channel has learnt.
 */
export type Lesson = {
  /**
   * Its id.
   */
  id: string,
  /**
   * Product id; null stands for none of the products.
   */
  label: string | null,
  /**
   * What it says of the product: a JSON object as text, or empty.
   */
  facts: string,
  /**
   * Whether it corrected an answer, rather than taught a product.
   */
  correction: boolean,
  /**
   * When it was given, milliseconds since 1970.
   */
  time: number,
  /**
   * How many frames it has.
   */
  frames: number,
  /**
   * What the model makes of it; null without a model.
   */
  standing: Standing | null,
};

/**
 * What a lesson says beside its frames.
 */
export type LessonText = {
  /**
   * Unique on the device; a lesson of the same id is replaced.
   */
  id: string,
  /**
   * When it was given, milliseconds since 1970.
   */
  time: number,
  /**
   * Product id; null stands for none of the products.
   */
  label: string | null,
  /**
   * What an app shows with the product: a JSON object as text, or empty.
   */
  facts: string,
  /**
   * Whether it corrects an answer, rather than teaches a product.
   */
  correction: boolean,
};

/**
 * What a lesson keeps of a frame.
 */
export type LessonFrame = {
  /**
   * The feature vector, for `Channel.lesson`.
   */
  features: Uint8Array,
  /**
   * The frame's central square as opaque RGBA, `side` pixels a side: to be kept as JPEG.
   */
  square: Uint8Array,
  /**
   * Side of the square, pixels.
   */
  side: number,
  /**
   * Whether the frame shows anything at all: not a lens that a finger covers.
   */
  usable: boolean,
  /**
   * How good it is.
   */
  quality: Quality,
};

/**
 * How a model answers.
 */
export type ModelType = "embedding" | "classifier";

/**
 * What a file is for. Which of them a device needs: `Manifest::needed`.
 */
export type FileRole = "backbone" | "plan" | "space" | "head" | "other";

/**
 * A file that the model was loaded from.
 */
export type DiagnosedFile = {
  /**
   * What it is for.
   */
  role: FileRole,
  /**
   * Lower-case hex of its SHA-256.
   */
  sha256: string,
  /**
   * Its length.
   */
  bytes: number,
};

/**
 * The model that answers.
 */
export type DiagnosedModel = {
  /**
   * Name of its release.
   */
  version: string,
  /**
   * The release's number.
   */
  releaseSeq: number,
  /**
   * The number of the latest/metadata.json that named it: another than the release's own while it is on trial.
   */
  latestSeq: number,
  /**
   * When that file should have been replaced, Unix seconds; null where it does not say.
   */
  expires: number | null,
  /**
   * Whether it is a candidate, which only a share of the devices takes.
   */
  candidate: boolean,
  /**
   * The names of the keys that it says it is signed with, joined by commas. Verified only where `keys` is above 0.
   */
  signedBy: string | null,
  /**
   * What runs its network.
   */
  engine: string,
  /**
   * The files that it was loaded from.
   */
  files: Array<DiagnosedFile>,
  /**
   * Whether it survives the page.
   */
  stored: boolean,
  /**
   * Why it does not survive the page; null while it may.
   */
  storedProblem: string | null,
};

/**
 * How the last sync went.
 */
export type Check = {
  /**
   * When it ended, milliseconds since 1970, by the device's clock.
   */
  at: number,
  /**
   * How it ended; null where it failed.
   */
  outcome: Outcome | null,
  /**
   * Why it failed, or null.
   */
  error: Problem | null,
  /**
   * Why the host could not be reached, where the outcome is `offline`; else null.
   */
  cause: Problem | null,
  /**
   * Why the candidate that this device should have taken was not taken, or null.
   */
  candidateError: Problem | null,
  /**
   * The `releaseSeq` of the host's latest/metadata.json; null where it was not read.
   */
  hostSeq: number | null,
  /**
   * When that file should have been replaced, Unix seconds; null where it does not say.
   */
  expires: number | null,
  /**
   * Whether that time had passed, whatever the outcome: nobody publishes any more, or somebody withholds what is published.
   */
  expired: boolean,
};

/**
 * An open channel, described for a support person. Nothing in it is personal.
 */
export type ChannelDiagnosis = {
  /**
   * Which of the package's wasm modules runs: `scalar`, `simd`, `relaxed` or `tract`.
   */
  build: 'scalar' | 'simd' | 'relaxed' | 'tract',
  /**
   * Bytes of the wasm module's memory, which all channels in it share. It never shrinks.
   */
  memoryBytes: number,
  /**
   * Version of the database's schema; null where releases are kept in memory only.
   */
  schema: number | null,
  /**
   * Version of this library.
   */
  version: string,
  /**
   * The models' base URL.
   */
  models: string,
  /**
   * The channel.
   */
  channel: string,
  /**
   * How many public keys the app pinned; 0 where it asks for no signature.
   */
  keys: number,
  /**
   * How many different keys must have signed a release.
   */
  threshold: number,
  /**
   * The version of the key list that took the place of the pinned keys; 0 where none did.
   */
  keyList: number,
  /**
   * How many products the app knows; null where it did not say.
   */
  products: number | null,
  /**
   * The model that answers, if there is one.
   */
  model: DiagnosedModel | null,
  /**
   * Whether what is stored survives the page.
   */
  durable: boolean,
  /**
   * Bytes of failed downloads that the next sync will resume.
   */
  keptBytes: number,
  /**
   * The last sync since the channel was opened.
   */
  lastCheck: Check | null,
};
