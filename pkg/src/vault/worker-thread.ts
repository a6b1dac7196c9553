import type { VaultHandle, VaultKey } from '../../wasm/vault/jicho.js';
import { VaultClosedError } from '../api/errors.js';
import { Connection } from '../worker/connection.js';
import type { Opened, VaultAnswer, VaultMethod, VaultRequest, VaultSettings, VaultThread } from './thread.js';
import type { Imported } from './types.js';

/** Milliseconds that a worker has to overwrite its keys before it is ended. */
const PATIENCE = 2000;

/** A vault in a worker. One that dies takes the keys along: the vault is to be opened again. */
export class VaultConnection implements VaultThread {
  readonly #connection: Connection;

  constructor(worker: Worker) {
    this.#connection = new Connection(worker, {}, () => undefined);
  }

  open(settings: VaultSettings): Promise<Opened> {
    const { unlock } = settings;
    return this.#ask(
      { ask: 'open', settings },
      typeof unlock === 'object' && 'key' in unlock ? [unlock.key.buffer] : [],
    );
  }

  destroy(name: string, wasm: string | undefined): Promise<void> {
    return this.#ask({ ask: 'destroy', name, wasm });
  }

  call<M extends VaultMethod>(method: M, ...args: Parameters<VaultHandle[M]>): Promise<VaultAnswer<M>> {
    // Files and blobs go over without a copy; they were made for this.
    const transfer = args.flatMap((arg: unknown) => (arg instanceof Uint8Array ? [arg.buffer] : []));
    return this.#ask({ ask: 'call', method, args }, transfer);
  }

  import(file: Blob, key: VaultKey, signal: AbortSignal): Promise<Imported> {
    return this.#connection.call({ type: 'vault', request: { ask: 'import', file, key } }, { signal });
  }

  async close(): Promise<void> {
    // Where the worker is dead already, so are the keys; not every death is told.
    const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
    await Promise.race([this.#ask({ ask: 'close' }).catch(() => undefined), late]);
    this.#connection.end(new VaultClosedError('the vault was closed: open it again'));
  }

  #ask<T>(request: VaultRequest, transfer: Transferable[] = []): Promise<T> {
    return this.#connection.call<T>({ type: 'vault', request }, { transfer });
  }
}
