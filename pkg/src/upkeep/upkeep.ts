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

/** Milliseconds that measures may wait to be written: a camera brings several a second. */
const WRITE_DELAY = 5_000;

type Sync = SharedOperation<SyncResult, SyncProgress>;

/** Keeps an open channel current: checks for newer models, the other tabs, and what is noted of it all. */
export class Upkeep {
  readonly journal: Journal;
  /** Milliseconds from one automatic check to the next; 0 for none. */
  readonly every: number;
  readonly #backend: Backend;
  readonly #options: OpenOptions;
  readonly #tabs: Tabs;
  readonly #checks: Checks | undefined;
  readonly #ending = new AbortController();
  /** Those that run; they come one after another. */
  readonly #syncs = new Set<Sync>();
  /** The automatic one of them. */
  #automatic: Sync | undefined;
  /** Cleared, and nobody asked for a model since: none may come by itself. */
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

  /** When the next automatic check is due, Unix milliseconds; null while none is planned. */
  get nextCheckAt(): number | null {
    return this.#checks?.nextAt ?? null;
  }

  /** Begins the automatic checks. */
  start(): void {
    this.#checks?.start();
  }

  /** Joins the automatic check that runs, or starts a sync. */
  async sync(onProgress: (progress: SyncProgress) => void, signal: AbortSignal): Promise<SyncResult> {
    if (signal.aborted) throw new AbortedError('aborted by the caller');
    this.#cleared = false;
    const sync = this.#automatic?.aborted === false ? this.#automatic : this.#start(false);
    return sync.join(onProgress, signal);
  }

  /** Removes all that the device has of the channel, in all tabs. */
  async clear(signal: AbortSignal): Promise<void> {
    // First, so that none of them goes on to fetch what is then removed.
    this.#tabs.tell({ type: 'cleared' });
    this.#end();
    await this.#backend.clear(signal);
    this.#unwrite();
    this.journal.clear();
  }

  /** The measures begin anew, in all tabs. */
  reset(): void {
    this.journal.reset();
    this.#tabs.tell({ type: 'reset' });
  }

  /** Other lessons are kept now: other tabs learn them, too. */
  taught(): void {
    this.#tabs.tell({ type: 'taught' });
  }

  /** To be called after something was noted. */
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
    // What is noted after a clear, as of a picture that was under way, leaves nothing on the device.
    if (!this.#cleared) this.journal.write();
  }

  #unwrite(): void {
    clearTimeout(this.#writing);
    this.#writing = undefined;
  }

  async #check(): Promise<void> {
    // Whoever asked, the answer is as new.
    const [running] = this.#syncs;
    if (running) {
      await running.settled;
      return;
    }
    this.#automatic = this.#start(true);
    // `onCheck` hears of an error.
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
      this.#checked({ outcome: 'failed', error, cause: null, automatic });
      throw error;
    }
    this.#checked({ outcome: result.outcome, error: null, cause: result.cause, automatic });
    if (result.model?.stored && !this.#ending.signal.aborted && !this.#cleared) {
      if (result.outcome === 'updated') this.#tabs.tell({ type: 'updated' });
      if (this.#options.persist !== false) askToPersist();
    }
    return result;
  }

  #checked(check: CheckResult): void {
    const { outcome, error, cause } = check;
    if (this.#ending.signal.aborted || this.#cleared || error?.code === 'DISPOSED') return;
    // Of one that was aborted there is nothing to tell, but nobody wants the next one at once.
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
        // A tab that was frozen hears it late: what is stored by now is not its to remove.
        this.#end();
        this.#unwrite();
        this.journal.discard();
        this.#try(this.#backend.unload(this.#ending.signal));
        return;
      case 'reset':
        this.journal.discard();
    }
  }

  /** Ends what brings a model. */
  #end(): void {
    this.#cleared = true;
    this.#checks?.pause();
    for (const sync of this.#syncs) sync.abort();
  }

  /** For what no caller waits for. */
  #try(call: Promise<unknown>): void {
    call.catch((error: unknown) => {
      if (!(error instanceof JichoError) || this.#ending.signal.aborted) return;
      this.journal.measures.error(error.code);
      this.noted();
    });
  }
}

/** What survives a page, where the browser allows that. */
function pageStorage(): PageStorage | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}

/** So that a listener that throws harms nothing here. */
function apart(call: () => void): void {
  queueMicrotask(call);
}
