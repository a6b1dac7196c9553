import type { VaultHandle, VaultKey } from '../../wasm/vault/jicho.js';
import type { Imported } from './types.js';

/** How to open a vault. Plain data. */
export interface VaultSettings {
  name: string;
  unlock: VaultKey;
  /** Of the kinds that the app names. */
  retentionDays: { scans?: number | null; corrections?: number | null; lessons?: number | null };
  queueLimit: number;
  precision: number;
  precise: boolean;
  memory: boolean;
  wasm: string | undefined;
}

/** What an open vault can be asked. */
export type VaultMethod =
  | 'add'
  | 'get'
  | 'list'
  | 'delete'
  | 'geohash'
  | 'relock'
  | 'rotate'
  | 'compact'
  | 'export'
  | 'exportPlain'
  | 'diagnose';

/** What the thread of a vault is asked: `open` or `destroy` first, and nothing after `close`. */
export type VaultRequest =
  | { ask: 'open'; settings: VaultSettings }
  | { ask: 'destroy'; name: string; wasm: string | undefined }
  | { ask: 'call'; method: VaultMethod; args: unknown[] }
  | { ask: 'import'; file: Blob; key: VaultKey }
  | { ask: 'close' };

/** What a call answers. */
export type VaultAnswer<M extends VaultMethod> = Awaited<ReturnType<VaultHandle[M]>>;

/** What opening tells. */
export interface Opened {
  /** Whether records outlive the page. */
  durable: boolean;
  /** Whether there was none of that name. */
  created: boolean;
}

/** Where a vault lives: this thread, or a worker. */
export interface VaultThread {
  open(settings: VaultSettings): Promise<Opened>;
  destroy(name: string, wasm: string | undefined): Promise<void>;
  call<M extends VaultMethod>(method: M, ...args: Parameters<VaultHandle[M]>): Promise<VaultAnswer<M>>;
  /** An abort ends it; what was added stays. */
  import(file: Blob, key: VaultKey, signal: AbortSignal): Promise<Imported>;
  /** Overwrites the keys and ends the thread. */
  close(): Promise<void>;
}
