import type { VaultHandle } from '../../wasm/vault/jicho.js';
import type { Request } from '../worker/protocol.js';
import { listen, post, postFailure } from '../worker/scope.js';
import type { VaultMethod, VaultRequest } from './thread.js';
import { VaultBackend } from './wasm-thread.js';

/** Answers the requests of the page that started this worker. */
export function answerRequests(): void {
  const backend = new VaultBackend((message) => post({ type: 'crashed', message }));
  listen((request) => void answer(backend, request));
}

async function answer(backend: VaultBackend, message: Request): Promise<void> {
  if (message.type !== 'vault') return;
  const { id, request } = message;
  try {
    post({ type: 'done', id, value: await start(backend, request) });
  } catch (error) {
    postFailure(id, error);
  }
}

function start(backend: VaultBackend, request: VaultRequest): Promise<unknown> {
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
