import type { VaultHandle } from '../../wasm/vault/jicho.js';
import { isFailure } from '../api/errors.js';
import type { Reply, Request } from '../worker/protocol.js';
import type { VaultMethod, VaultRequest } from './thread.js';
import { VaultBackend } from './wasm-thread.js';

function post(reply: Reply): void {
  // The page's global has a `postMessage` of another shape, and the two sets of types exclude each other.
  (globalThis as unknown as { postMessage(reply: Reply): void }).postMessage(reply);
}

const backend = new VaultBackend((message) => post({ type: 'crashed', message }));

function start(request: VaultRequest): Promise<unknown> {
  switch (request.ask) {
    case 'open':
      return backend.open(request.settings);
    case 'destroy':
      return backend.destroy(request.name, request.wasm);
    case 'call':
      return backend.call(request.method, ...(request.args as Parameters<VaultHandle[VaultMethod]>));
    case 'close':
      return backend.close();
  }
}

async function answer(message: Request): Promise<void> {
  if (message.type !== 'vault') return;
  const { id, request } = message;
  try {
    post({ type: 'done', id, value: await start(request) });
  } catch (error) {
    const code = isFailure(error) ? error.code : 'INTERNAL';
    post({ type: 'failed', id, code, message: error instanceof Error ? error.message : String(error) });
  }
}

/** Answers the requests of the page that started this worker. */
export function answerRequests(): void {
  globalThis.addEventListener('message', (event: MessageEvent<Request>) => void answer(event.data));
}
