import type { ModelInfo, ModelType, Outcome } from '../../wasm/jicho.js';
import type { JichoError, JichoErrorCode } from './errors.js';

export type { ModelInfo, ModelType, Outcome };

/** The result of a sync. */
export interface SyncResult {
  /** How it ended. */
  outcome: Outcome;
  /** What answers now, or null. */
  model: ModelInfo | null;
  /** Why the host cannot be reached (no network, CORS, a Content-Security-Policy, …); null unless `offline`. */
  cause: SyncCause | null;
  /** When the host's release should have been replaced, in Unix seconds; null if it was not read or does not say. */
  expires: number | null;
  /** Whether that time has passed, whatever the outcome. The host may be frozen: nobody publishes, or somebody withholds it. */
  expired: boolean;
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
  /** As in {@link SyncResult}; false if the check failed. */
  expired: boolean;
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
