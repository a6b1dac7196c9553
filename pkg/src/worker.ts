/**
 * The worker's script: answers one page's requests. Started by `Jicho.open` and `OnnxModel.load`, or by an app's own
 * worker script.
 */
import type { Backend } from './backend.js';
import { isFailure } from './errors.js';
import { OnnxBackend } from './onnx-backend.js';
import type { Reply, Request } from './protocol.js';
import { WasmBackend } from './wasm-backend.js';

const running = new Map<number, AbortController>();
let backend: Backend | undefined;
let network: OnnxBackend | undefined;

function post(reply: Reply): void {
  // The page's global has a `postMessage` of another shape, and the two sets of types exclude each other.
  (globalThis as unknown as { postMessage(reply: Reply): void }).postMessage(reply);
}

const onCrash = (message: string): void => post({ type: 'crashed', message });

function start(request: Exclude<Request, { type: 'abort' }>, signal: AbortSignal): Promise<unknown> {
  switch (request.type) {
    case 'open':
      backend = new WasmBackend(request.settings, { onModel: (model) => post({ type: 'model', model }), onCrash });
      return backend.open();
    case 'load':
      network = new OnnxBackend(onCrash);
      return network.load(request.settings);
    case 'infer':
      if (network) return network.infer(request.frame, signal);
      break;
    case 'recognize':
      if (backend) return backend.recognize(request.frame, signal);
      break;
    case 'sync':
      if (backend) return backend.sync((progress) => post({ type: 'progress', id: request.id, progress }), signal);
  }
  throw new Error(`${request.type} before open or load`);
}

async function answer(request: Request): Promise<void> {
  const { id } = request;
  if (request.type === 'abort') {
    running.get(id)?.abort();
    return;
  }
  const controller = new AbortController();
  running.set(id, controller);
  try {
    post({ type: 'done', id, value: await start(request, controller.signal) });
  } catch (error) {
    const code = isFailure(error) ? error.code : 'INTERNAL';
    post({ type: 'failed', id, code, message: error instanceof Error ? error.message : String(error) });
  } finally {
    running.delete(id);
  }
}

// So that importing it in a page or on a server does nothing.
if ('WorkerGlobalScope' in globalThis) {
  globalThis.addEventListener('message', (event: MessageEvent<Request>) => void answer(event.data));
}
