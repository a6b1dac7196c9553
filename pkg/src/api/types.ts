import type { Vault } from '../vault/vault.js';
import type { JichoError } from './errors.js';
import type { TaughtChange } from './lesson-types.js';

/** What answers for a channel. */
export interface ModelInfo {
  /** Channel id. */
  channel: string;
  /** Name of the release, unique in its channel. */
  version: string;
  /** Rises with every publish, rollbacks included; decides what is newer. */
  releaseSeq: number;
  /** When training ended, ISO 8601, UTC. */
  trainedAt: string;
  /** Number of products. */
  productCount: number;
  /** Photos trained on. */
  imageCount: number;
  /** Product ids. */
  labels: string[];
  /** Top-1 on photos held out of training, 0–1; null where none could be held out. */
  accuracy: number | null;
  /** Side of the network's square input, pixels. */
  imageSize: number;
  /** How the answers come about: `embedding` (a head on a frozen network) or `classifier`. */
  modelType: string;
  /** Bytes of all files that this device fetches of it. */
  bytes: number;
  /** Whether it is the shop's candidate, which only a share of the devices takes. */
  candidate: boolean;
  /** Whether it survives the page; false while it is being stored, and where that is impossible. */
  stored: boolean;
  /** Why it does not survive the page (the device is full, the browser allows no storage, …); null while it may. */
  storedProblem: string | null;
  /** What the release, and what was taught on this device, says of products (name, price, …), by product id. */
  facts: Record<string, Record<string, unknown>>;
}

/** What came of a sync. */
export interface SyncResult {
  /**
   * - `updated`: another release answers now.
   * - `current`: the host has nothing newer.
   * - `offline`: the host cannot be reached; what is on the device goes on answering.
   * - `absent`: the host has no such channel.
   */
  outcome: 'updated' | 'current' | 'offline' | 'absent';
  /** What answers now, or null. */
  model: ModelInfo | null;
}

/** How far a download is. */
export interface SyncProgress {
  /** Bytes that came so far; the files that are on the device already do not count. */
  loadedBytes: number;
  /** Bytes of all files to fetch. */
  totalBytes: number;
}

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

/** What can be recognised. Nothing of it is consumed, closed or changed. */
export type PictureSource =
  | Blob
  | ImageData
  | ImageBitmap
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLImageElement
  | HTMLVideoElement
  | VideoFrame;

/** What came of one check for a newer model. */
export interface CheckResult {
  /** As of {@link SyncResult}; `failed` where the release or its host is at fault, and the old model stays. */
  outcome: SyncResult['outcome'] | 'failed';
  /** Why it failed, else null. */
  error: JichoError | null;
  /** Whether it was one that the library makes by itself; those that the app asked for count, too. */
  automatic: boolean;
}

/**
 * Gives the access token of the models' host, as the `Authorization: Bearer` of each request, or null for none. Asked
 * anew with `refresh` when the host answers 401 to the former one.
 */
export type TokenSource = (options: { refresh: boolean }) => string | null | Promise<string | null>;

/** How to open a channel. */
export interface OpenOptions {
  /** Channel id, as given to the trainer. */
  channel: string;
  /** Where the models are published; relative to the page, or absolute. */
  models: string | URL;
  /**
   * Where recognition runs: in a worker of its own (default), in the page (`false`, which blocks it while it thinks),
   * or in the worker that this function starts from `jicho/worker`, where a bundler does not do that by itself.
   */
  worker?: boolean | (() => Worker);
  /** Where the package's folder `wasm` is, where a bundler does not place its files by itself. */
  wasm?: string | URL;
  /** Public keys, as `jicho keygen` prints them: only releases signed with one of them are taken. Without, signatures are not looked at. */
  keys?: readonly string[];
  /** The product ids that the app knows; see {@link Jicho.setProducts}. */
  products?: readonly string[] | null;
  /** Access token of the models' host: sent to no other, and never stored. */
  token?: string | TokenSource;
  /** A download that brings no byte for so many seconds counts as broken. Default 30. */
  stallSeconds?: number;
  /**
   * How often to ask the host for a newer model by itself: once it is open, and then about every so many minutes while
   * the page is in view and online. Default 30; with 0 only {@link Jicho.sync} asks.
   */
  checkEveryMinutes?: number;
  /** Whether to ask the browser, once, to keep the storage when space runs short. Default true; Firefox asks the user. */
  persist?: boolean;
  /** Whether answers tell the picture's quality, at one or two milliseconds each. Default true; {@link Jicho.assess} always can. */
  quality?: boolean;
  /** Ends the opening with `ABORTED`. */
  signal?: AbortSignal;
  /**
   * Told whenever another model answers than before, null when none does any more, and of the same model again when it
   * could not be stored (`storedProblem`).
   */
  onModel?: (model: ModelInfo | null) => void;
  /** Told of each check that ended, automatic or by {@link Jicho.sync}; not of one that was aborted. */
  onCheck?: (check: CheckResult) => void;
  /** Told how far each download is, whoever asked for it. */
  onProgress?: (progress: SyncProgress) => void;
  /**
   * An open vault, in which what is taught is sealed. What was taught without one is moved into it. It must stay open as
   * long as the channel is.
   */
  vault?: LessonVault;
  /** Told whenever what is taught changes, by whichever tab, and of lessons that had to be dropped. */
  onTaught?: (change: TaughtChange) => void;
}

/** The part of a `Vault` that keeps lessons. */
export type LessonVault = Pick<Vault, 'add' | 'list' | 'delete'>;

/** How to teach a product. */
export interface EnrollOptions extends CallOptions {
  /** What to show with it: name, price, …; at most 4 KiB as JSON. */
  facts?: Record<string, unknown>;
}

/** How to sync. */
export interface SyncOptions {
  /** Ends the sync with `ABORTED`: the old model stays, unless the new one answered by then, as `onModel` told. */
  signal?: AbortSignal;
  /** Told how far the download is; never where nothing must be fetched. */
  onProgress?: (progress: SyncProgress) => void;
}

/** Of any other call. */
export interface CallOptions {
  /** Ends the call with `ABORTED`. */
  signal?: AbortSignal;
}

/** How a network wants its pixels: a value is `((byte / 255) * (range[1] - range[0]) + range[0] - mean) / std`. */
export interface Preprocessing {
  /** Order of the input's axes. */
  layout: 'nchw' | 'nhwc';
  /** Order of the colours. */
  color: 'rgb' | 'bgr';
  /** What the bytes 0 and 255 become. */
  range: [number, number];
  /** Subtracted, in the network's own order of colours. */
  mean: [number, number, number];
  /** Divided by, in the same order. */
  std: [number, number, number];
  /** Side of the central square that is used, as a share (0–1] of the picture's shorter side. */
  crop: number;
}

/** How to load an ONNX network. */
export interface OnnxOptions {
  /** Side of its square input, pixels. */
  imageSize: number;
  /** How its pixels go in. */
  preprocessing: Preprocessing;
  /** What each value of an answer stands for; as many as it has. */
  labels?: readonly string[];
  /** Starts the worker from `jicho/worker`, where a bundler does not do that by itself. */
  worker?: () => Worker;
  /** As for {@link OpenOptions}. */
  wasm?: string | URL;
  /** Ends the loading with `ABORTED`. */
  signal?: AbortSignal;
}

/**
 * - `absent`: open, but no model has arrived yet.
 * - `ready`: recognises.
 * - `failed`: a defect ended the wasm module in this page (`worker: false` only; a worker is replaced). Reload the page.
 * - `disposed`: `dispose()` was called.
 */
export type JichoState = 'absent' | 'ready' | 'failed' | 'disposed';
