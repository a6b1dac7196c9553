import type { VaultHandle } from '../wasm/vault/jicho.js';
import { Connection } from './connection.js';
import { VaultClosedError } from './errors.js';
import type { VaultAnswer, VaultMethod, VaultRequest, VaultSettings, VaultThread } from './vault-thread.js';

/** A vault in a worker. One that dies takes the keys along: the vault is to be opened again. */
export class VaultConnection implements VaultThread {
  readonly #connection: Connection;

  constructor(worker: Worker) {
    this.#connection = new Connection(worker, {}, () => undefined);
  }

  open(settings: VaultSettings): Promise<boolean> {
    return this.#ask({ ask: 'open', settings });
  }

  destroy(name: string, wasm: string | undefined): Promise<void> {
    return this.#ask({ ask: 'destroy', name, wasm });
  }

  call<M extends VaultMethod>(method: M, ...args: Parameters<VaultHandle[M]>): Promise<VaultAnswer<M>> {
    return this.#ask({ ask: 'call', method, args });
  }

  async close(): Promise<void> {
    // Where the worker is dead already, so are the keys.
    await this.#ask({ ask: 'close' }).catch(() => undefined);
    this.#connection.end(new VaultClosedError('the vault was closed: open it again'));
  }

  #ask<T>(request: VaultRequest): Promise<T> {
    return this.#connection.call<T>({ type: 'vault', request }, {});
  }
}
