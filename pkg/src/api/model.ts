import type { ModelInfo, Outcome } from '../../wasm/jicho.js';
import type { JichoError, JichoErrorCode } from './errors.js';

export type { ModelInfo };

/** What came of a sync. */
export interface SyncResult {
  /** How it ended. */
  outcome: Outcome;
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
