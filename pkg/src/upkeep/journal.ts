import type { LastCheck, MeasuresReport } from '../api/diagnostics.js';
import { ERROR_CODES } from '../api/errors.js';
import { Measures } from './measures.js';

/** The part of `localStorage` that is used. */
export type PageStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

interface Entry {
  measures: Measures;
  check: LastCheck | null;
}

const OUTCOMES: readonly unknown[] = ['updated', 'current', 'offline', 'absent', 'host-older', 'expired', 'failed'];

/**
 * The measures and the last check of a channel, which outlive the page. All tabs add to one entry of `localStorage` what is
 * new since they last wrote.
 */
export class Journal {
  readonly #key: string;
  readonly #storage: PageStorage | undefined;
  readonly #now: () => number;
  /** Measures that this tab has not written yet; all of them where there is no storage. */
  #fresh: Measures | undefined;
  #check: LastCheck | undefined;

  constructor(key: string, storage: PageStorage | undefined, now: () => number) {
    this.#key = key;
    this.#storage = storage;
    this.#now = now;
  }

  /** Measures are added here. */
  get measures(): Measures {
    return (this.#fresh ??= new Measures(this.#now()));
  }

  get report(): MeasuresReport {
    return this.#whole().measures.report();
  }

  get lastCheck(): LastCheck | null {
    return this.#whole().check;
  }

  checked(outcome: LastCheck['outcome'], error: LastCheck['error']): void {
    const problem = error && { code: error.code, message: error.message };
    this.#check = { at: new Date(this.#now()).toISOString(), outcome, error: problem };
  }

  /** Writes what is new. */
  write(): void {
    const isNew = this.#fresh || this.#check;
    if (isNew && this.#put(this.#whole())) this.discard();
  }

  /** Restarts the measures. */
  reset(): void {
    const entry = { ...this.#whole(), measures: new Measures(this.#now()) };
    this.#fresh = undefined;
    this.#put(entry);
  }

  /** Deletes all of it, in the storage and here. */
  clear(): void {
    this.discard();
    try {
      this.#storage?.removeItem(this.#key);
    } catch {
      // Blocked storage holds nothing of ours.
    }
  }

  /** Drops what is new and not written yet. */
  discard(): void {
    this.#fresh = this.#check = undefined;
  }

  /** Whether it is stored now. */
  #put(entry: Entry): boolean {
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(entry));
      return this.#storage !== undefined;
    } catch {
      // The storage is full or blocked: what is new stays here.
      return false;
    }
  }

  #whole(): Entry {
    const entry = this.#read();
    if (this.#fresh) entry.measures.add(this.#fresh);
    entry.check = this.#check ?? entry.check;
    return entry;
  }

  #read(): Entry {
    let json: Record<string, unknown> = {};
    try {
      json = Object(JSON.parse(this.#get(this.#key) ?? '{}')) as Record<string, unknown>;
    } catch {
      // It is not what was written, and is ignored.
    }
    return {
      measures: Measures.read(json['measures'], this.#now()),
      check: checkOf(json['check']),
    };
  }

  #get(key: string): string | null {
    try {
      return this.#storage?.getItem(key) ?? null;
    } catch {
      return null;
    }
  }
}

function checkOf(json: unknown): LastCheck | null {
  const { at, outcome, error } = Object(json) as Partial<LastCheck>;
  if (typeof at !== 'string' || Number.isNaN(Date.parse(at)) || !OUTCOMES.includes(outcome)) return null;
  const code = ERROR_CODES.find((code) => code === error?.code);
  return {
    at,
    outcome: outcome as LastCheck['outcome'],
    error: code ? { code, message: String(error?.message) } : null,
  };
}
