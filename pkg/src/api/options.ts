import type { LessonVault } from '../vault/types.js';
import type { TaughtChange } from './lessons.js';
import type { CheckResult, ModelInfo, SyncProgress } from './model.js';

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
  /** Public keys, as `jicho keygen` prints them: only releases signed with them are taken. Without, signatures are not looked at. */
  keys?: readonly string[];
  /** How many different ones of the keys must have signed a release. Default 1. */
  threshold?: number;
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
