import { AbortedError, InternalError, JichoError } from '../api/errors.js';
import type { CheckResult, SyncProgress, SyncResult } from '../api/model.js';
import type { OpenOptions } from '../api/options.js';
import { askToPersist } from '../browser/persist.js';
import { type Backend, channelKey, type Settings } from '../channel/backend.js';
import { Checks } from './checks.js';
import { environment } from './environment.js';
import { Journal, type PageStorage } from './journal.js';
import { SharedOperation } from './shared-operation.js';
import { type TabMessage, Tabs } from './tabs.js';

/** Milliseconds between writes of the measures. A camera adds several measures a second. */
const WRITE_DELAY = 5_000;

type Sync = SharedOperation<SyncResult, SyncProgress>;

/** Keeps an open channel up to date: automatic checks, messages of other tabs, and the journal of both. */
export class Upkeep {
  readonly journal: Journal;
  /** Milliseconds from one automatic check to the next; 0 for none. */
  readonly every: number;
  readonly #backend: Backend;
  readonly #options: OpenOptions;
  readonly #tabs: Tabs;
  readonly #checks: Checks | undefined;
  readonly #ending = new AbortController();
  /** Syncs that have not ended. The backend runs them one after another. */
  readonly #syncs = new Set<Sync>();
  /** The automatic one among them. */
  #automatic: Sync | undefined;
  /** Whether the channel was cleared and not synced since. No model may be loaded by itself then. */
  #cleared = false;
  #writing: ReturnType<typeof setTimeout> | undefined;

  constructor(backend: Backend, settings: Settings, options: OpenOptions, every: number) {
    const key = channelKey(settings);
    this.journal = new Journal(key, pageStorage(), environment.now);
    this.every = every;
    this.#backend = backend;
    this.#options = options;
    this.#tabs = new Tabs(key, (message) => this.#hear(message));
    this.#checks = every > 0 ? new Checks(environment, every, () => this.#check()) : undefined;
  }

  /** When the next automatic check is due, in milliseconds since 1970; null while none is scheduled. */
  get nextCheckAt(): number | null {
    return this.#checks?.nextAt ?? null;
  }

  /** Starts the automatic checks. */
  start(): void {
    this.#checks?.start();
  }

  /** Joins an automatic check that is running, or starts a sync. */
  async sync(onProgress: (progress: SyncProgress) => void, signal: AbortSignal): Promise<SyncResult> {
    if (signal.aborted) throw new AbortedError('aborted by the caller');
    this.#cleared = false;
    const sync = this.#automatic?.aborted === false ? this.#automatic : this.#start(false);
    return sync.join(onProgress, signal);
  }

  /** Removes all that the device has of the channel, in all tabs. */
  async clear(signal: AbortSignal): Promise<void> {
    // Told first, so that no other tab stores again what is being removed.
    this.#tabs.tell({ type: 'cleared' });
    this.#end();
    await this.#backend.clear(signal);
    this.#unwrite();
    this.journal.clear();
  }

  /** Restarts the measures in all tabs. */
  reset(): void {
    this.journal.reset();
    this.#tabs.tell({ type: 'reset' });
  }

  /** Tells other tabs that the stored lessons have changed. */
  taught(): void {
    this.#tabs.tell({ type: 'taught' });
  }

  /** Schedules a write after something was added to the journal. */
  noted(): void {
    this.#writing ??= setTimeout(() => this.#write(), WRITE_DELAY);
  }

  dispose(): void {
    this.#ending.abort();
    this.#checks?.stop();
    this.#tabs.close();
    this.#write();
  }

  #write(): void {
    this.#unwrite();
    // After a clear nothing may be written, not even the measures of a recognition that was running.
    if (!this.#cleared) this.journal.write();
  }

  #unwrite(): void {
    clearTimeout(this.#writing);
    this.#writing = undefined;
  }

  async #check(): Promise<void> {
    // A sync of the app serves as the check.
    const [running] = this.#syncs;
    if (running) {
      await running.settled;
      return;
    }
    this.#automatic = this.#start(true);
    // `onCheck` is told of an error.
    await this.#automatic.join(() => undefined, this.#ending.signal).catch(() => undefined);
    this.#automatic = undefined;
  }

  #start(automatic: boolean): Sync {
    const sync: Sync = new SharedOperation((onProgress, signal) => this.#sync(automatic, onProgress, signal));
    this.#syncs.add(sync);
    void sync.settled.then(() => this.#syncs.delete(sync));
    return sync;
  }

  async #sync(
    automatic: boolean,
    onProgress: (progress: SyncProgress) => void,
    signal: AbortSignal,
  ): Promise<SyncResult> {
    const report = (progress: SyncProgress): void => {
      onProgress(progress);
      apart(() => this.#options.onProgress?.(progress));
    };
    let result: SyncResult;
    try {
      result = await this.#backend.sync(report, signal);
    } catch (thrown) {
      const error = thrown instanceof JichoError ? thrown : new InternalError(String(thrown), { cause: thrown });
      this.#checked({ outcome: 'failed', error, cause: null, expired: false, automatic });
      throw error;
    }
    const { outcome, cause, expired } = result;
    this.#checked({ outcome, error: null, cause, expired, automatic });
    if (result.model?.stored && !this.#ending.signal.aborted && !this.#cleared) {
      if (outcome === 'updated') this.#tabs.tell({ type: 'updated' });
      if (this.#options.persist !== false) askToPersist();
    }
    return result;
  }

  #checked(check: CheckResult): void {
    const { outcome, error, cause } = check;
    if (this.#ending.signal.aborted || this.#cleared || error?.code === 'DISPOSED') return;
    // An aborted check is not reported, but it still delays the next one.
    const aborted = error?.code === 'ABORTED';
    this.#checks?.checked(aborted || (outcome !== 'failed' && outcome !== 'offline'));
    if (aborted) return;
    if (error) this.journal.measures.error(error.code);
    this.journal.checked(outcome, error ?? cause);
    this.#write();
    apart(() => this.#options.onCheck?.(check));
  }

  #hear(message: TabMessage): void {
    switch (message.type) {
      case 'updated':
        if (!this.#cleared) this.#try(this.#backend.refresh(this.#ending.signal));
        return;
      case 'taught':
        this.#try(this.#backend.lessons({ do: 'reload' }, this.#ending.signal));
        return;
      case 'cleared':
        // A tab that was frozen is told late, so it removes nothing that is stored: that may be newer.
        this.#end();
        this.#unwrite();
        this.journal.discard();
        this.#try(this.#backend.unload(this.#ending.signal));
        return;
      case 'reset':
        this.journal.discard();
    }
  }

  /** Aborts all syncs and pauses the automatic checks. */
  #end(): void {
    this.#cleared = true;
    this.#checks?.pause();
    for (const sync of this.#syncs) sync.abort();
  }

  /** Counts the failure of a call that no caller waits for. */
  #try(call: Promise<unknown>): void {
    call.catch((error: unknown) => {
      if (!(error instanceof JichoError) || this.#ending.signal.aborted) return;
      this.journal.measures.error(error.code);
      this.noted();
    });
  }
}

/** `localStorage`, where the browser allows it. */
function pageStorage(): PageStorage | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}

/** Calls a listener of the app in a task of its own, so that an exception in it does not end this one. */
function apart(call: () => void): void {
  queueMicrotask(call);
}
