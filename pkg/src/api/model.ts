import type { JichoError, JichoErrorCode } from './errors.js';

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

/** The result of a sync. */
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
  /** Why the host cannot be reached (no network, CORS, a Content-Security-Policy, …); null unless `offline`. */
  cause: SyncCause | null;
}

/** An error as data. */
export interface SyncCause {
  code: JichoErrorCode;
  message: string;
}

/** The progress of a download. */
export interface SyncProgress {
  /** Bytes downloaded so far. Files that are already on the device do not count. */
  loadedBytes: number;
  /** Bytes of all files to download. */
  totalBytes: number;
}

/** The result of a check for a newer model. */
export interface CheckResult {
  /** As in {@link SyncResult}, or `failed`: the release or its host has a fault, and the old model stays. */
  outcome: SyncResult['outcome'] | 'failed';
  /** Why it failed, else null. */
  error: JichoError | null;
  /** As in {@link SyncResult}. */
  cause: SyncResult['cause'];
  /** Whether the library made the check by itself, rather than the app by `sync`. */
  automatic: boolean;
}

/**
 * - `absent`: open, but no model has arrived yet.
 * - `ready`: a model answers.
 * - `failed`: the wasm module has crashed in this page (`worker: false` only; a worker is replaced). Reload the page.
 * - `disposed`: `dispose()` was called.
 */
export type JichoState = 'absent' | 'ready' | 'failed' | 'disposed';
