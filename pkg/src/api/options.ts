import type { LessonVault } from '../vault/types.js';
import type { TaughtChange } from './lessons.js';
import type { CheckResult, ModelInfo, SyncProgress } from './model.js';

/**
 * Returns the access token for the models' host, which is sent as `Authorization: Bearer`, or null for none. Called again
 * with `refresh: true` when the host answers 401. Has {@link OpenOptions.stallSeconds} to answer.
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
   * or in the worker that this function starts from `jicho/worker`, for bundlers that do not place it by themselves.
   */
  worker?: boolean | (() => Worker);
  /** Address of the package's folder `wasm`, for bundlers that do not place its files by themselves. */
  wasm?: string | URL;
  /** Public keys, as `jicho keygen` prints them. Only releases that they signed are used. Without keys, signatures are not verified. */
  keys?: readonly string[];
  /** How many different ones of the keys must have signed a release. Default 1. */
  threshold?: number;
  /** The product ids that the app knows; see {@link Jicho.setProducts}. */
  products?: readonly string[] | null;
  /** Access token for the models' host. It is sent to no other host, and never stored. */
  token?: string | TokenSource;
  /**
   * Seconds without a byte after which a download has failed, and without a sign of life after which another tab that
   * downloads counts as frozen. Also the limit of `token`. Default 30.
   */
  stallSeconds?: number;
  /**
   * Minutes between automatic checks for a newer model. The first comes once the channel is open; there are none while
   * the page is hidden or offline. Default 30; with 0 only {@link Jicho.sync} asks.
   */
  checkEveryMinutes?: number;
  /** Whether to ask the browser, once, to keep the storage when space runs short. Default true; Firefox asks the user. */
  persist?: boolean;
  /** Whether answers tell the picture's quality, at one or two milliseconds each. Default true; {@link Jicho.assess} always can. */
  quality?: boolean;
  /** Ends the opening with `ABORTED`. */
  signal?: AbortSignal;
  /**
   * Called with the model whenever another one answers, with null when none does any more, and again with the same model
   * when it could not be stored (`storedProblem`).
   */
  onModel?: (model: ModelInfo | null) => void;
  /** Called after each check, automatic or by {@link Jicho.sync}, unless it was aborted. */
  onCheck?: (check: CheckResult) => void;
  /** Called with the progress of each download, automatic or by {@link Jicho.sync}. */
  onProgress?: (progress: SyncProgress) => void;
  /**
   * An open vault in which lessons are stored encrypted. Lessons that were stored without one are moved into it. It must
   * stay open as long as the channel.
   */
  vault?: LessonVault;
  /** Called whenever what is taught changes, in this tab or another, and when lessons had to be dropped. */
  onTaught?: (change: TaughtChange) => void;
}

/** How to teach a product. */
export interface EnrollOptions extends CallOptions {
  /** What to show with the product (name, price, …). At most 4 KiB as JSON. */
  facts?: Record<string, unknown>;
}

/** How to sync. */
export interface SyncOptions {
  /** Ends the sync with `ABORTED`. The old model stays, unless `onModel` was already called with the new one. */
  signal?: AbortSignal;
  /** Called with the progress of the download; never if nothing needs to be fetched. */
  onProgress?: (progress: SyncProgress) => void;
}

/** How to watch a video. */
export interface WatchOptions {
  /** Frames that are recognised each second while the picture changes, at most; above 0, up to 60. Default 8. */
  fps?: number;
  /** Ends the loop. */
  signal?: AbortSignal;
}

/** Options of all other calls. */
export interface CallOptions {
  /** Ends the call with `ABORTED`. */
  signal?: AbortSignal;
}

/** How to recognise. */
export interface RecognizeOptions extends CallOptions {
  /**
   * The share of matches that should be right, between 0 and 1: a higher one gives fewer matches and more `unsure`. Default:
   * what the release was trained for (`jicho train --match-precision`).
   */
  precision?: number;
}

/** How pixels become the network's input: a value is `((byte / 255) * (range[1] - range[0]) + range[0] - mean) / std`. */
export interface Preprocessing {
  /** Order of the input's axes. */
  layout: 'nchw' | 'nhwc';
  /** Order of the colours. */
  color: 'rgb' | 'bgr';
  /** What the bytes 0 and 255 become. */
  range: [number, number];
  /** Subtracted from each colour, in the network's own order of colours. */
  mean: [number, number, number];
  /** Each colour is divided by this, in the same order. */
  std: [number, number, number];
  /** Side of the central square that is used, as a share (0–1] of the picture's shorter side. */
  crop: number;
  /**
   * A picture whose longer side is more than this many times the shorter one is used whole, resized to a square, instead of cut;
   * at least 1. Of a video the central square is used. Without a value every picture is cut.
   */
  wholeAbove?: number;
}

/** How to load an ONNX network. */
export interface OnnxOptions {
  /** Side of its square input, pixels. */
  imageSize: number;
  /** How pixels become its input. */
  preprocessing: Preprocessing;
  /** What each value of an answer stands for; as many as it has. */
  labels?: readonly string[];
  /** Starts the worker from `jicho/worker`, for bundlers that do not place it by themselves. */
  worker?: () => Worker;
  /** As for {@link OpenOptions}. */
  wasm?: string | URL;
  /** Ends the loading with `ABORTED`. */
  signal?: AbortSignal;
}
