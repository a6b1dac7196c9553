import type { VaultHandle, VaultKey } from '../../wasm/vault/jicho.js';
import { InternalError, JichoError } from '../api/errors.js';
import { ifUnlocked } from '../browser/lock.js';
import { WasmCalls } from '../wasm/calls.js';
import { loadVault } from './module.js';
import type { Opened, VaultAnswer, VaultMethod, VaultSettings, VaultThread } from './thread.js';
import type { Imported } from './types.js';

/** From one look at what is to be done to the next. */
const UPKEEP = 60 * 60_000;

/** A vault in this very thread, be it the page's or a worker's. */
export class VaultBackend implements VaultThread {
  readonly #calls: WasmCalls;
  #handle: VaultHandle | undefined;
  #upkeep: ReturnType<typeof setInterval> | undefined;

  constructor(onCrash: (message: string) => void) {
    this.#calls = new WasmCalls(onCrash);
  }

  async open({ name, unlock, wasm, ...settings }: VaultSettings): Promise<Opened> {
    const { VaultHandle } = await loadVault(wasm);
    const handle = await this.#calls.call(() => VaultHandle.open(name, unlock, JSON.stringify(settings)));
    this.#handle = handle;
    // One tab is enough for what is to be done now and then.
    const keepUp = (): Promise<void> =>
      ifUnlocked(`jicho vault ${name} upkeep`, () => this.#calls.call(() => handle.keepUp())).catch(
        (error: unknown) => {
          if (error instanceof JichoError && error.code === 'VAULT_CLOSED') clearInterval(this.#upkeep);
        },
      );
    this.#upkeep = setInterval(keepUp, UPKEEP);
    void keepUp();
    const { durable, created } = handle;
    return { durable, created };
  }

  async destroy(name: string, wasm: string | undefined): Promise<void> {
    const { VaultHandle } = await loadVault(wasm);
    await this.#calls.call(() => VaultHandle.destroy(name));
  }

  async call<M extends VaultMethod>(method: M, ...args: Parameters<VaultHandle[M]>): Promise<VaultAnswer<M>> {
    const handle = this.#opened(method);
    // Each method with its own arguments, which the compiler cannot follow.
    const bound = handle[method].bind(handle) as (...args: unknown[]) => VaultAnswer<M> | Promise<VaultAnswer<M>>;
    return this.#calls.call(() => bound(...args));
  }

  async import(file: Blob, key: VaultKey, signal: AbortSignal): Promise<Imported> {
    const handle = this.#opened('import');
    return this.#calls.call(() => handle.import(file, key, signal));
  }

  async close(): Promise<void> {
    clearInterval(this.#upkeep);
    this.#handle?.close();
    this.#calls.dispose();
  }

  #opened(method: string): VaultHandle {
    if (!this.#handle) throw new InternalError(`${method} before open`);
    return this.#handle;
  }
}
