import type { JichoErrorCode } from '../api/errors.js';
import type { LessonRequest, ShelfRequest, TaughtChange } from '../api/lesson-types.js';
import type { ModelInfo, SyncProgress } from '../api/types.js';
import type { Frame } from '../capture/capture.js';
import type { Settings } from '../channel/backend.js';
import type { OnnxSettings } from '../channel/onnx-backend.js';
import type { VaultRequest } from '../vault/thread.js';

/**
 * From the page to the worker: of a channel `open` comes first, of an ONNX network `load`; `vault` is all that the worker
 * of a vault is asked. Each call has an id of its own; `abort` names the call it ends. `answer` and `no-answer` are to
 * what the worker asked.
 */
export type Request =
  | { type: 'open'; id: number; settings: Settings; module: WebAssembly.Module | undefined }
  | { type: 'sync'; id: number }
  | { type: 'refresh'; id: number }
  | { type: 'recognize'; id: number; frames: Frame[]; name: string }
  | { type: 'assess'; id: number; frame: Frame }
  | { type: 'lessons'; id: number; request: LessonRequest }
  | { type: 'clear'; id: number }
  | { type: 'forget'; id: number }
  | { type: 'diagnose'; id: number }
  | { type: 'load'; id: number; settings: OnnxSettings }
  | { type: 'infer'; id: number; frame: Frame }
  | { type: 'vault'; id: number; request: VaultRequest }
  | { type: 'abort'; id: number }
  | { type: 'products'; products: string[] | null }
  | { type: 'answer'; question: number; value: unknown }
  | { type: 'no-answer'; question: number; code: JichoErrorCode; message: string };

/** From the worker to the page. After `crashed` nothing more comes. */
export type Reply =
  | { type: 'done'; id: number; value: unknown }
  | { type: 'failed'; id: number; code: JichoErrorCode; message: string }
  | { type: 'progress'; id: number; progress: SyncProgress }
  | { type: 'model'; model: ModelInfo | null }
  | { type: 'loaded'; ms: number }
  | { type: 'taught'; change: TaughtChange; own: boolean }
  | { type: 'token'; question: number; refresh: boolean }
  | { type: 'shelf'; question: number; request: ShelfRequest }
  | { type: 'crashed'; message: string };
