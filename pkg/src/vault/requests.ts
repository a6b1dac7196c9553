import type { VaultHandle } from '../../wasm/vault/jicho.js';
import type { Request } from '../worker/protocol.js';
import { listen, post, postFailure } from '../worker/scope.js';
import type { VaultMethod, VaultRequest } from './thread.js';
import { VaultBackend } from './wasm-thread.js';

/** Answers the requests of the page that started this worker. */
export function answerRequests(): void {
  const backend = new VaultBackend((message) => post({ type: 'crashed', message }));
  /** Ends the calls that go on, by their ids. */
  const aborts = new Map<number, AbortController>();
  listen((message) => {
    if (message.type === 'abort') aborts.get(message.id)?.abort();
    else if (message.type === 'vault') void answer(backend, message, aborts);
  });
}

async function answer(
  backend: VaultBackend,
  { id, request }: Extract<Request, { type: 'vault' }>,
  aborts: Map<number, AbortController>,
): Promise<void> {
  const abort = new AbortController();
  aborts.set(id, abort);
  try {
    post({ type: 'done', id, value: await start(backend, request, abort.signal) });
  } catch (error) {
    postFailure(id, error);
  } finally {
    aborts.delete(id);
  }
}

function start(backend: VaultBackend, request: VaultRequest, signal: AbortSignal): Promise<unknown> {
  switch (request.ask) {
    case 'open':
      return backend.open(request.settings);
    case 'destroy':
      return backend.destroy(request.name, request.wasm);
    case 'call':
      return backend.call(request.method, ...(request.args as Parameters<VaultHandle[VaultMethod]>));
    case 'import':
      return backend.import(request.file, request.key, signal);
    case 'close':
      return backend.close();
  }
}
