import { AbortedError, InvalidArgumentError, VaultClosedError } from '../api/errors.js';
import type { CallOptions } from '../api/options.js';
import { isObject, wrongReceiver } from '../api/receiver.js';
import type { Recognition } from '../api/recognition.js';
import { absolute, folder } from '../browser/address.js';
import { withLock } from '../browser/lock.js';
import { besides } from '../browser/own-address.js';
import { askToPersist } from '../browser/persist.js';
import { loadPart } from '../worker/start.js';
import { string, vaultKey, vaultSelect, vaultSettings } from './options.js';
import { bytesOf, pack, scanOf, unpack, unpackPage } from './records.js';
import type { Opened, VaultThread } from './thread.js';
import type {
  AddOptions,
  Compaction,
  DamagedRecord,
  Delivery,
  Imported,
  Place,
  QueuedSale,
  RecordOf,
  Rotation,
  Scan,
  Stored,
  VaultDiagnostics,
  VaultOptions,
  VaultPage,
  VaultQuery,
  VaultRecord,
  VaultUnlock,
} from './types.js';
import { startVaultWorker, vaultWorkerUrl } from './vault-worker.js';
import { vaultUrl } from './wasm-url.js';
import { VaultConnection } from './worker-thread.js';

/** The package's own scripts that a vault needs, beside this one; the build fills it in. */
const SCRIPTS: readonly string[] = ['__SCRIPTS__'];

/**
 * Milliseconds without a sign of life after which a tab that delivers is taken to be frozen, and another one delivers. Timers
 * of a hidden tab run once a minute.
 */
const DELIVERY_PATIENCE = 300_000;

/**
 * The sealed store: scans, corrections, lessons and the queue of sales, encrypted on this device. What that
 * buys, and what it does not: docs/formats/vault.md.
 *
 * Every call may fail with `VAULT_CLOSED` (closed, destroyed or locked anew, perhaps by another tab), `STORAGE` and
 * `INTERNAL`. Tabs may use one vault at the same time.
 */
export class Vault {
  /** As given. */
  readonly name: string;
  /** Vue must not make a proxy of it, through which its private fields cannot be reached. */
  readonly __v_skip = true;
  readonly #thread: VaultThread;
  #opened: Opened | undefined;
  #closed = false;

  private constructor(name: string, thread: VaultThread) {
    if (!thread) throw new InvalidArgumentError('a vault is opened by "await Vault.open(…)", not by "new Vault()"');
    this.name = name;
    this.#thread = thread;
  }

  /**
   * Opens the vault of that name, which is made when there is none, and deletes what is older than its retention.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`, `WRONG_KEY`, `KEY_MISSING`, `WEAK_PASSPHRASE`, `VAULT_DAMAGED`,
   * `SCHEMA_TOO_NEW`, `UNSUPPORTED` (no such key in this browser, no WebAssembly, no memory), `NETWORK`, `HTTP_STATUS`.
   */
  static async open(options: VaultOptions): Promise<Vault> {
    const settings = vaultSettings(options);
    const vault = new Vault(settings.name, await makeThread(options.worker));
    try {
      vault.#opened = await vault.#thread.open(settings);
    } catch (error) {
      await vault.close();
      throw error;
    }
    if (options.persist !== false) askToPersist();
    return vault;
  }

  /**
   * Destroys the vault of that name, for who cannot open it any more: its keys first, so that nothing that may be left of
   * it can ever be read. It is no error if there is none.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`, `STORAGE`; again is safe.
   */
  static async destroy(name: string, options: Pick<VaultOptions, 'worker' | 'wasm'> = {}): Promise<void> {
    string('the name', name);
    const wasm = options.wasm === undefined ? undefined : folder('wasm', options.wasm);
    const thread = await makeThread(options.worker);
    try {
      await thread.destroy(name, wasm);
    } finally {
      await thread.close();
    }
  }

  /**
   * The absolute URLs of what a vault fetches, for a service worker to keep: worker, wasm module and, where no bundler made
   * them part of the app's, the package's scripts. `worker` is where the worker's script is, where a bundler does not place it by itself.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`.
   */
  static urls(options: { worker?: string | URL; wasm?: string | URL } = {}): string[] {
    const { wasm } = options;
    const worker = options.worker === undefined ? vaultWorkerUrl() : absolute('worker', options.worker).href;
    return [worker, ...besides(SCRIPTS, worker), vaultUrl(wasm === undefined ? undefined : folder('wasm', wasm))];
  }

  /** Whether records outlive the page: not in memory ({@link VaultOptions.memory}). */
  get durable(): boolean {
    return Vault.#of(this).#opened?.durable ?? false;
  }

  /** Whether there was no vault of that name: a first start, another name, or the browser has deleted its storage. */
  get created(): boolean {
    return Vault.#of(this).#opened?.created ?? false;
  }

  /**
   * Adds a record, and answers with its id.
   *
   * A thumbnail is kept without its metadata (EXIF, comments, …), which often names a place.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`: the message says where in the record, and repeats no value. `QUEUE_FULL`
   * for a sale: nothing was dropped, so deliver first.
   */
  async add(record: VaultRecord, options: AddOptions = {}): Promise<string> {
    const { id, place } = options;
    if (id !== undefined) string('an id', id);
    const { json, blob } = await pack(record);
    return (await Vault.#open(this).call('add', json, blob, place && placed(place), id)).id;
  }

  /**
   * Adds a recognition as a scan, under the recognition's own id unless another is given.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`.
   */
  async addScan(recognition: Recognition, options: AddOptions & Pick<Scan, 'thumbnail'> = {}): Promise<string> {
    const { thumbnail, ...rest } = options;
    return Vault.#of(this).add(
      { ...scanOf(recognition), ...(thumbnail && { thumbnail }) },
      { id: recognition.id, ...rest },
    );
  }

  /**
   * The record of that id with its thumbnail or embedding, or null.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`, `RECORD_DAMAGED`, `KEY_MISSING`, `SCHEMA_TOO_NEW`.
   */
  async get(id: string): Promise<Stored | null> {
    const entry = await Vault.#open(this).call('get', string('an id', id));
    return entry && unpack(entry);
  }

  /**
   * Some records of a kind in the order of their times. Records that cannot be opened are listed as `damaged` and do not
   * affect the others.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`.
   */
  async list<K extends VaultRecord['kind'] = 'scan'>(query: VaultQuery<K> = {}): Promise<VaultPage<RecordOf<K>>> {
    return unpackPage(await Vault.#open(this).call('list', vaultSelect(query)));
  }

  /**
   * Deletes the record of that id, damaged or not. Answers whether there was one.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`.
   */
  async delete(id: string): Promise<boolean> {
    return Vault.#open(this).call('delete', string('an id', id));
  }

  /**
   * The geohash that a scan made there would get, to list the scans nearby.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`.
   */
  async geohash(place: Place): Promise<string> {
    const { latitude, longitude } = checked(place);
    return Vault.#open(this).call('geohash', latitude, longitude);
  }

  /**
   * Delivers the queued sales, the oldest first. `send` gets each sale, and the sale is deleted only when `send` has resolved.
   * If it rejects, this call rejects too, and that sale and those behind it stay; a sale that the receiver will never take is
   * for the app to {@link delete}. If the page dies in between, a sale is sent a second time, always under the same id, so the
   * receiver must accept each id once. One tab delivers at a time; a tab that shows no sign of life for five minutes is taken
   * to be frozen, and the next one takes over. An abort ends the delivery after the current sale; `send` gets the signal too,
   * and should itself give up a request that hangs.
   *
   * @throws What `send` rejects with; {@link JichoError} `ABORTED`.
   */
  async deliver(
    send: (sale: QueuedSale, signal: AbortSignal) => Promise<unknown>,
    options: CallOptions = {},
  ): Promise<Delivery> {
    const { signal = new AbortController().signal } = options;
    return withLock(
      `jicho vault ${Vault.#of(this).name} deliver`,
      { signal, patience: DELIVERY_PATIENCE },
      async () => {
        const delivery: Delivery = { delivered: 0, damaged: [] };
        for (let after: string | undefined; ; ) {
          if (signal.aborted) throw aborted(signal);
          const query = { kind: 'sale', order: 'oldest', limit: 1, ...(after !== undefined && { after }) } as const;
          const { records, damaged, next } = await this.list(query);
          delivery.damaged.push(...damaged);
          for (const { id, time, order } of records) {
            await send({ id, time, order }, signal);
            if (await this.delete(id)) delivery.delivered += 1;
          }
          if (next === null) return delivery;
          after = next;
        }
      },
    );
  }

  /**
   * Locks the vault by something else; the records stay as they are. A copy of the vault made before still opens by the old
   * lock, and so does what is written later, until the next {@link rotate}. However this overlaps with other calls, here or
   * in other tabs, the vault opens by one of the locks that were asked for.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`, `WEAK_PASSPHRASE`, `UNSUPPORTED`.
   */
  async relock(unlock: VaultUnlock): Promise<void> {
    await Vault.#open(this).call('relock', vaultKey(unlock));
  }

  /** Seals every record with a new key. Other calls go on meanwhile. If the page dies, the next opening finishes the rotation. */
  async rotate(): Promise<Rotation> {
    const { moved, damaged } = await Vault.#open(this).call('rotate');
    return { moved, damaged: damaged as DamagedRecord[] };
  }

  /** Deletes records older than their retention, finishes an interrupted rotation, and counts the records anew. */
  async compact(): Promise<Compaction> {
    return (await Vault.#open(this).call('compact')) as Compaction;
  }

  /**
   * Writes every record into one encrypted file, which another device imports with the passphrase.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`, `WEAK_PASSPHRASE`, `UNSUPPORTED`.
   */
  async export(
    passphrase: string,
    options: { allowWeak?: boolean } = {},
  ): Promise<{ file: Blob; records: number; damaged: DamagedRecord[] }> {
    const { file, records, damaged } = await Vault.#open(this).call('export', fileKey(passphrase, options.allowWeak));
    return { file, records, damaged: damaged as DamagedRecord[] };
  }

  /**
   * Plain text of all records that the query asks for, whatever its limit: JSON without thumbnails and files, or CSV of scans.
   * Nothing protects the text but the place where the app puts it.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`.
   */
  async exportPlain(
    format: 'json' | 'csv',
    query: VaultQuery = {},
  ): Promise<{ text: string; damaged: DamagedRecord[] }> {
    const { text, damaged } = await Vault.#open(this).call(
      'exportPlain',
      string('the format', format),
      vaultSelect(query),
    );
    return { text, damaged: damaged as DamagedRecord[] };
  }

  /**
   * Adds every record of an exported file that is not there yet, with its id and its time. The file is read twice, a piece
   * at a time: it need not fit into memory, and all of it is checked before anything is added. What could not be added here
   * is cut down: geohashes to what {@link VaultOptions.allowPrecise} allows, thumbnails to their pictures.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`, `INVALID_EXPORT`, `WRONG_KEY`, `SCHEMA_TOO_NEW`; `QUEUE_FULL` if its sales
   * have no room: nothing was added. `ABORTED`: some records may have been; importing again adds the others.
   */
  async import(
    file: Blob | ArrayBuffer | Uint8Array,
    passphrase: string,
    options: CallOptions = {},
  ): Promise<Imported> {
    const { signal = new AbortController().signal } = options;
    const bytes = file instanceof Blob ? file : await bytesOf(file);
    if (!bytes) throw new InvalidArgumentError('there is no file');
    const blob = bytes instanceof Blob ? bytes : new Blob([bytes as Uint8Array<ArrayBuffer>]);
    return untilAborted(signal, () => Vault.#open(this).import(blob, fileKey(passphrase), signal));
  }

  /** How the vault stands, for whoever is asked for help. */
  async diagnose(): Promise<VaultDiagnostics> {
    const { argon2id, records, retentionDays, keySince, ...rest } = await Vault.#open(this).call('diagnose');
    return {
      ...rest,
      argon2id: argon2id && { memoryKiB: argon2id[0], passes: argon2id[1] },
      records: Object.fromEntries(records) as VaultDiagnostics['records'],
      retentionDays: Object.fromEntries(retentionDays) as VaultDiagnostics['retentionDays'],
      keySince: new Date(keySince).toISOString(),
    };
  }

  /** Destroys the vault, as {@link Vault.destroy}, and closes it. */
  async destroy(): Promise<void> {
    await Vault.#open(this).destroy(this.name, undefined);
    await this.close();
  }

  /** Overwrites the keys. Every later call fails with `VAULT_CLOSED`. */
  async close(): Promise<void> {
    const vault = Vault.#of(this);
    vault.#closed = true;
    await vault.#thread.close();
  }

  static #of(vault: Vault): Vault {
    if (isObject(vault) && #closed in vault) return vault;
    throw wrongReceiver('Vault');
  }

  static #open(vault: Vault): VaultThread {
    if (Vault.#of(vault).#closed) throw new VaultClosedError('the vault was closed: open it again');
    return vault.#thread;
  }
}

function checked(place: Place): Place {
  const { latitude, longitude } = (place ?? {}) as Partial<Place>;
  if (typeof latitude !== 'number' || typeof longitude !== 'number') {
    throw new InvalidArgumentError('a place has the numbers latitude and longitude; leave it out where it is unknown');
  }
  return { latitude, longitude };
}

/** Only these two fields leave a `GeolocationCoordinates`. What JSON makes null of is no place, as the vault then says. */
function placed(place: Place): string {
  return JSON.stringify(checked(place));
}

function fileKey(passphrase: unknown, allowWeak = false): VaultUnlock {
  return vaultKey({ passphrase: string('the passphrase', passphrase), allowWeak });
}

function aborted(signal: AbortSignal): AbortedError {
  return new AbortedError('aborted by the caller', { cause: signal.reason });
}

/** The answer of `call`, or at an abort `ABORTED` at once: a worker that guesses a passphrase hears of it only afterwards. */
async function untilAborted<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw aborted(signal);
  let stop: () => void = () => undefined;
  const abort = new Promise<never>((_, reject) => {
    stop = () => reject(aborted(signal));
    signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([call(), abort]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function makeThread(worker: VaultOptions['worker'] = true): Promise<VaultThread> {
  if (worker) return new VaultConnection(startVaultWorker(typeof worker === 'function' ? worker : undefined));
  // Only here, so that a page with a worker does not load the wasm module's glue as well.
  const { VaultBackend } = await loadPart(() => import('./wasm-thread.js'));
  // Every call tells of a crash.
  return new VaultBackend(() => undefined);
}
