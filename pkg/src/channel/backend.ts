import type { ChannelDiagnosis } from '../../wasm/jicho.js';
import type { LessonAnswers, LessonRequest, ShelfRequest, TaughtChange } from '../api/lesson-types.js';
import type { Answer, ModelInfo, Quality, SyncProgress, SyncResult } from '../api/types.js';
import type { Frame } from '../capture/capture.js';

/** Which channel, from where, and how. Plain data; the URLs are absolute. */
export interface Settings {
  channel: string;
  models: string;
  wasm: string | undefined;
  keys: string[] | undefined;
  products: string[] | null;
  stallSeconds: number | undefined;
  /** Whether answers tell the picture's quality. */
  quality: boolean;
  /** Whether the host wants tokens: they are asked for by {@link BackendEvents.token}. */
  hasToken: boolean;
  /** Whether lessons are kept in a vault: it is asked by {@link BackendEvents.shelf}. */
  sealed: boolean;
}

/** What a backend tells and asks besides its answers. */
export interface BackendEvents {
  /** Another model answers now, or none any more. */
  onModel: (model: ModelInfo | null) => void;
  /** A model was loaded; the milliseconds it took. */
  onLoad: (ms: number) => void;
  /** A defect ended the backend for good: no open call will be answered. */
  onCrash: (message: string) => void;
  /** The access token, or null for none. */
  token: (refresh: boolean) => Promise<string | null>;
  /** What is taught is another now. `own`: by this backend, so that other tabs must hear. */
  onTaught: (change: TaughtChange, own: boolean) => void;
  /** The vault's answer: as of {@link Shelf}. */
  shelf: (request: ShelfRequest) => Promise<unknown>;
}

/** Where a channel lives: in the page or in a worker. Rejects with a `JichoError` only. */
export interface Backend {
  /** Opens the channel with what the device has of it, and tells of its model. Called once, first. */
  open(): Promise<void>;
  /** Where another tab syncs the same channel, waits for it. */
  sync(onProgress: (progress: SyncProgress) => void, signal: AbortSignal): Promise<SyncResult>;
  /** Loads what another tab stored. */
  refresh(signal: AbortSignal): Promise<void>;
  /** Takes frames that show the same over, and frees them. The answer can be corrected by `id` for a while. */
  recognize(frames: Frame[], id: string, signal: AbortSignal): Promise<Answer>;
  /** Takes the frame over, and frees it. Needs no model. */
  assess(frame: Frame, signal: AbortSignal): Promise<Quality>;
  /** Takes frames over, and frees them. */
  lessons<R extends LessonRequest>(request: R, signal: AbortSignal): Promise<LessonAnswers[R['do']]>;
  /** Removes all that the device has of the channel. */
  clear(signal: AbortSignal): Promise<void>;
  /** The same where another tab has done it: only what this one has in memory. */
  forget(signal: AbortSignal): Promise<void>;
  diagnose(signal: AbortSignal): Promise<ChannelDiagnosis>;
  /** From the next recognition on. */
  setProducts(products: string[] | null): void;
  dispose(): void;
}

/** What tabs, and the threads in them, agree upon: the name of a channel on this device. */
export function channelKey({ models, channel }: Settings): string {
  return `jicho ${models}${channel}`;
}
