import { ERROR_CODES, type JichoErrorCode } from '../api/errors.js';
import type { SyncResult } from '../api/types.js';
import { ASKED_TO_PERSIST } from '../browser/persist.js';
import { Measures, type MeasuresReport } from './measures.js';

/** One check for a newer model. */
export interface LastCheck {
  /** When it ended, ISO 8601, UTC. */
  at: string;
  /** What came of it. */
  outcome: SyncResult['outcome'] | 'failed';
  /** Why it failed, else null. */
  error: { code: JichoErrorCode; message: string } | null;
}

/** The part of localStorage that is used. */
export type Shelf = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

interface Page {
  measures: Measures;
  check: LastCheck | null;
}

const OUTCOMES: readonly unknown[] = ['updated', 'current', 'offline', 'absent', 'failed'];

/**
 * What is worth knowing of a channel on this device after the page is gone: the measures and the last check. All tabs
 * write to one page of a shelf, each what is new since it last did. And that the browser was asked to keep the storage.
 */
export class Journal {
  readonly #key: string;
  readonly #shelf: Shelf | undefined;
  readonly #now: () => number;
  /** What this tab has not written yet; without a shelf all there is. */
  #fresh: Measures | undefined;
  #check: LastCheck | undefined;
  #askedToPersist = false;

  constructor(key: string, shelf: Shelf | undefined, now: () => number) {
    this.#key = key;
    this.#shelf = shelf;
    this.#now = now;
  }

  /** Where to note a measure. */
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

  /** Whether nobody asked before; from now on somebody has. */
  asksToPersist(): boolean {
    const first = !this.askedToPersist;
    this.#askedToPersist = true;
    try {
      this.#shelf?.setItem(ASKED_TO_PERSIST, 'true');
    } catch {
      // It will be asked again.
    }
    return first;
  }

  get askedToPersist(): boolean {
    return this.#askedToPersist || this.#get(ASKED_TO_PERSIST) === 'true';
  }

  /** Writes what is new. */
  write(): void {
    const isNew = this.#fresh || this.#check;
    if (isNew && this.#put(this.#whole())) this.forget();
  }

  /** The measures begin anew. */
  reset(): void {
    const page = { ...this.#whole(), measures: new Measures(this.#now()) };
    this.#fresh = undefined;
    this.#put(page);
  }

  /** Nothing of it is left on the shelf, nor here. */
  clear(): void {
    this.forget();
    try {
      this.#shelf?.removeItem(this.#key);
    } catch {
      // A closed shelf holds nothing of ours.
    }
  }

  /** Drops what is new. */
  forget(): void {
    this.#fresh = this.#check = undefined;
  }

  /** Whether it is on the shelf now. */
  #put(page: Page): boolean {
    try {
      this.#shelf?.setItem(this.#key, JSON.stringify(page));
      return this.#shelf !== undefined;
    } catch {
      // The shelf is full or closed: what is new stays here.
      return false;
    }
  }

  #whole(): Page {
    const page = this.#read();
    if (this.#fresh) page.measures.add(this.#fresh);
    page.check = this.#check ?? page.check;
    return page;
  }

  #read(): Page {
    let json: Record<string, unknown> = {};
    try {
      json = Object(JSON.parse(this.#get(this.#key) ?? '{}')) as Record<string, unknown>;
    } catch {
      // Not what was written: it counts as nothing.
    }
    return {
      measures: Measures.read(json['measures'], this.#now()),
      check: checkOf(json['check']),
    };
  }

  #get(key: string): string | null {
    try {
      return this.#shelf?.getItem(key) ?? null;
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
