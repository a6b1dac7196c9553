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
  /** The network's family, as `mobilenetv2-12`; null where the release does not say. */
  architecture: string | null;
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
   * - `host-older`: the host's release is older than one that this device trusted (a stale cache, a restored backup, or a
   *   replay by an attacker); the model stays.
   * - `expired`: the host has nothing newer, and what it has should have been replaced by now; the model goes on answering.
   */
  outcome: 'updated' | 'current' | 'offline' | 'absent' | 'host-older' | 'expired';
  /** What answers now, or null. */
  model: ModelInfo | null;
  /** Why the host counts as out of reach (no network, CORS, a Content-Security-Policy, …); null unless `offline`. */
  cause: SyncCause | null;
}

/** An error as data. */
export interface SyncCause {
  code: JichoErrorCode;
  message: string;
}

/** How far a download is. */
export interface SyncProgress {
  /** Bytes that came so far; the files that are on the device already do not count. */
  loadedBytes: number;
  /** Bytes of all files to fetch. */
  totalBytes: number;
}

/** What came of one check for a newer model. */
export interface CheckResult {
  /** As of {@link SyncResult}; `failed` where the release or its host is at fault, and the old model stays. */
  outcome: SyncResult['outcome'] | 'failed';
  /** Why it failed, else null. */
  error: JichoError | null;
  /** As of {@link SyncResult}. */
  cause: SyncResult['cause'];
  /** Whether it was one that the library makes by itself; those that the app asked for count, too. */
  automatic: boolean;
}

/**
 * - `absent`: open, but no model has arrived yet.
 * - `ready`: recognises.
 * - `failed`: a defect ended the wasm module in this page (`worker: false` only; a worker is replaced). Reload the page.
 * - `disposed`: `dispose()` was called.
 */
export type JichoState = 'absent' | 'ready' | 'failed' | 'disposed';
