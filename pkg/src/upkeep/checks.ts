/** What the checks need of the world: a clock, a die, and whether it is worth asking the host now. */
export interface Environment {
  /** Milliseconds; may jump either way when someone sets the clock. */
  now(): number;
  /** 0 ≤ number < 1. */
  random(): number;
  /** Calls back once, after so many milliseconds; what it returns forgets that. */
  after(ms: number, call: () => void): () => void;
  /** Whether the page is in view and the browser knows of a network. */
  mayCheck(): boolean;
  /** Calls back whenever {@link mayCheck} may have changed; what it returns ends that. */
  onChange(call: () => void): () => void;
}

/** Of the interval, so much is left to chance, either way: a fleet that was started together drifts apart. */
const JITTER = 0.2;

/** How soon a check that did not reach the host is repeated; each further one in a row waits twice as long. */
const FIRST_RETRY = 60_000;

/** No timer runs longer: a device that slept wakes with old timers, and the clock may have been set. */
const LONGEST_TIMER = 60_000;

/** When to ask the host for a newer model: at the start, then once an interval, never while it would be in vain. */
export class Checks {
  readonly #environment: Environment;
  readonly #every: number;
  readonly #check: () => Promise<unknown>;
  #forgetChanges: (() => void) | undefined;
  #nextAt: number | undefined;
  #forgetTimer: (() => void) | undefined;
  #failures = 0;
  #couldCheck = true;
  #checking = false;

  /**
   * @param every Milliseconds from one check to the next.
   * @param check Asks the host, and reports to {@link checked} before its promise settles; one that does not has failed.
   */
  constructor(environment: Environment, every: number, check: () => Promise<unknown>) {
    this.#environment = environment;
    this.#every = every;
    this.#check = check;
  }

  /** When the next check is due, in milliseconds of the clock; null while none is planned. */
  get nextAt(): number | null {
    return this.#nextAt ?? null;
  }

  /** Plans a check for now. */
  start(): void {
    this.#forgetChanges ??= this.#environment.onChange(() => this.#changed());
    this.#nextAt = this.#environment.now();
    this.#arm();
  }

  /** Plans none any more, until {@link start} or the next {@link checked}. */
  pause(): void {
    this.#nextAt = undefined;
    this.#forgetTimer?.();
  }

  /** The host was asked, by whomever: plans the next check. */
  checked(reached: boolean): void {
    this.#failures = reached ? 0 : this.#failures + 1;
    const wait = reached ? this.#every : Math.min(this.#every, FIRST_RETRY * 2 ** (this.#failures - 1));
    this.#nextAt = this.#environment.now() + wait * (1 - JITTER + 2 * JITTER * this.#environment.random());
    this.#arm();
  }

  /** Ends it for good. */
  stop(): void {
    this.pause();
    this.#forgetChanges?.();
  }

  #changed(): void {
    const may = this.#environment.mayCheck();
    // What failed before may have failed for want of the network that is back now.
    if (may && !this.#couldCheck && this.#failures > 0 && this.#nextAt !== undefined)
      this.#nextAt = this.#environment.now();
    this.#arm();
  }

  #arm(): void {
    this.#forgetTimer?.();
    this.#forgetTimer = undefined;
    this.#couldCheck = this.#environment.mayCheck();
    if (this.#nextAt === undefined || this.#checking || !this.#couldCheck) return;
    const now = this.#environment.now();
    // Farther off than any plan: the clock was set back.
    this.#nextAt = Math.min(this.#nextAt, now + this.#every * (1 + JITTER));
    const wait = Math.min(Math.max(this.#nextAt - now, 0), LONGEST_TIMER);
    this.#forgetTimer = this.#environment.after(wait, () => this.#wake());
  }

  #wake(): void {
    if (this.#nextAt === undefined) return;
    if (this.#environment.now() < this.#nextAt || !this.#environment.mayCheck()) {
      this.#arm();
      return;
    }
    this.#checking = true;
    const due = this.#nextAt;
    const done = (): void => {
      this.#checking = false;
      if (this.#nextAt === due) this.checked(false);
      else this.#arm();
    };
    this.#check().then(done, done);
  }
}
