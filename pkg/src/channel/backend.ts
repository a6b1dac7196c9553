import type { ChannelDiagnosis } from '../../wasm/jicho.js';
import type { TaughtChange } from '../api/lessons.js';
import type { ModelInfo, SyncProgress, SyncResult } from '../api/model.js';
import type { Answer, Quality } from '../api/recognition.js';
import type { Capture } from '../capture/capture.js';
import type { LessonAnswers, LessonRequest, LessonStoreRequest } from '../lessons/requests.js';

/** Which channel, from where, and how. Plain data; the URLs are absolute. */
export interface Settings {
  channel: string;
  models: string;
  wasm: string | undefined;
  keys: string[] | undefined;
  threshold: number | undefined;
  products: string[] | null;
  /** A download that brings no byte for so long has failed, and a tab that is silent for so long is frozen. */
  stallSeconds: number;
  /** Whether answers tell the picture's quality. */
  quality: boolean;
  /** Whether the host wants tokens: they are asked for by {@link BackendEvents.token}. */
  hasToken: boolean;
  /** Whether lessons are kept in a vault: it is asked by {@link BackendEvents.lessonStore}. */
  inVault: boolean;
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
  /** What is taught has changed. `own`: by this backend, so that other tabs must hear of it. */
  onTaught: (change: TaughtChange, own: boolean) => void;
  /** Asks the vault, which lives in the page, as a `LessonStore`. */
  lessonStore: (request: LessonStoreRequest) => Promise<unknown>;
}

/** What a recognition asks for. Plain data. */
export interface Asked {
  /** By which the answer can be corrected for a while. */
  id: string;
  /** The share of matches that should be right; undefined leaves it to the release. */
  precision: number | undefined;
}

/** Where a channel lives: in the page or in a worker. Rejects with a `JichoError` only. */
export interface Backend {
  /** Opens the channel with what the device has of it, and tells of its model. Called once, first. */
  open(): Promise<void>;
  /** Where another tab syncs the same channel, waits for it. */
  sync(onProgress: (progress: SyncProgress) => void, signal: AbortSignal): Promise<SyncResult>;
  /** Loads what another tab stored. */
  refresh(signal: AbortSignal): Promise<void>;
  /** Takes over captures that show the same, and frees them. */
  recognize(captures: Capture[], asked: Asked, signal: AbortSignal): Promise<Answer>;
  /** Takes the capture over, and frees it. Needs no model. */
  assess(capture: Capture, signal: AbortSignal): Promise<Quality>;
  /** Takes captures over, and frees them. */
  lessons<R extends LessonRequest>(request: R, signal: AbortSignal): Promise<LessonAnswers[R['do']]>;
  /** Removes all that the device has of the channel. */
  clear(signal: AbortSignal): Promise<void>;
  /** Drops the channel's model from memory, where another tab has cleared what is stored. */
  unload(signal: AbortSignal): Promise<void>;
  diagnose(signal: AbortSignal): Promise<ChannelDiagnosis>;
  /** From the next recognition on. */
  setProducts(products: string[] | null): void;
  dispose(): void;
}

/** The name of a channel on this device, which all tabs and threads share. */
export function channelKey({ models, channel }: Settings): string {
  return `jicho ${models}${channel}`;
}
