import type { JichoErrorCode } from '../api/errors.js';
import type { TaughtChange } from '../api/lessons.js';
import type { ModelInfo, SyncProgress } from '../api/model.js';
import type { Capture } from '../capture/capture.js';
import type { Asked, Settings } from '../channel/backend.js';
import type { OnnxSettings } from '../channel/onnx-backend.js';
import type { LessonRequest, LessonStoreRequest } from '../lessons/requests.js';
import type { VaultRequest } from '../vault/thread.js';

/**
 * From the page to the worker. Of a channel `open` comes first, of an ONNX network `load`; `vault` is all that the worker
 * of a vault is asked. Each call has an id of its own; `abort` names the call that it ends. `answer` and `no-answer` reply
 * to what the worker asked.
 */
export type Request =
  | { type: 'open'; id: number; settings: Settings; module: WebAssembly.Module | undefined }
  | { type: 'sync'; id: number }
  | { type: 'refresh'; id: number }
  | { type: 'recognize'; id: number; captures: Capture[]; asked: Asked }
  | { type: 'assess'; id: number; capture: Capture }
  | { type: 'lessons'; id: number; request: LessonRequest }
  | { type: 'clear'; id: number }
  | { type: 'unload'; id: number }
  | { type: 'diagnose'; id: number }
  | { type: 'scripts'; id: number }
  | { type: 'load'; id: number; settings: OnnxSettings }
  | { type: 'infer'; id: number; capture: Capture }
  | { type: 'vault'; id: number; request: VaultRequest }
  | { type: 'abort'; id: number }
  | { type: 'products'; products: string[] | null }
  | { type: 'answer'; question: number; value: unknown }
  | { type: 'no-answer'; question: number; code: JichoErrorCode; message: string };

/** From the worker to the page. `ready` comes first, and after `crashed` nothing more. */
export type Reply =
  | { type: 'ready'; version: string }
  | { type: 'done'; id: number; value: unknown }
  /** `code` may be one that only a newer version knows. */
  | { type: 'failed'; id: number; code: string; message: string }
  | { type: 'progress'; id: number; progress: SyncProgress }
  | { type: 'model'; model: ModelInfo | null }
  | { type: 'loaded'; ms: number }
  | { type: 'taught'; change: TaughtChange; own: boolean }
  | { type: 'token'; question: number; refresh: boolean }
  | { type: 'lesson-store'; question: number; request: LessonStoreRequest }
  | { type: 'crashed'; message: string };
