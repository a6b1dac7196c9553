import type { Frame } from './frame.js';
import type { Answer, ModelInfo, SyncProgress, SyncResult } from './types.js';

/** Which channel, and from where. Plain data; the URLs are absolute. */
export interface Settings {
  channel: string;
  models: string;
  wasm: string | undefined;
}

/** What a backend tells besides its answers. */
export interface BackendEvents {
  /** Another model answers now, or none any more. */
  onModel: (model: ModelInfo | null) => void;
  /** A defect ended the backend for good: no open call will be answered. */
  onCrash: (message: string) => void;
}

/** Where a channel lives: in the page or in a worker. Rejects with a `JichoError` only. */
export interface Backend {
  /** Opens the channel with what the device has of it, and tells of its model. Called once, first. */
  open(): Promise<void>;
  sync(onProgress: (progress: SyncProgress) => void, signal: AbortSignal): Promise<SyncResult>;
  /** Takes the frame over, and frees it. */
  recognize(frame: Frame, signal: AbortSignal): Promise<Answer>;
  dispose(): void;
}
